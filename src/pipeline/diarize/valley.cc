#include "pipeline/diarize/valley.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace amanuensis::pipeline {
namespace {

constexpr double kKernel = 0.125;  // of the distance of the means

std::vector<double> mean_of(const VoiceVectors& vectors, std::span<const float> weights,
                            std::span<const std::size_t> labels, std::size_t cluster) {
  std::vector<double> mean(vectors.dimension);
  double total = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] != cluster) continue;
    const double weight = weights[i];
    total += weight;
    for (std::size_t c = 0; c < mean.size(); ++c) mean[c] += weight * static_cast<double>(vectors[i][c]);
  }
  for (double& x : mean) x /= std::max(total, 1e-9);
  return mean;
}

}  // namespace

double valley_between(const VoiceVectors& vectors, std::span<const float> weights, std::span<const std::size_t> labels,
                      std::size_t a, std::size_t b) {
  const std::vector<double> from = mean_of(vectors, weights, labels, a);
  std::vector<double> line = mean_of(vectors, weights, labels, b);
  double square = 0;
  for (std::size_t c = 0; c < line.size(); ++c) {
    line[c] -= from[c];
    square += line[c] * line[c];
  }
  if (square < 1e-12) return 1;
  // At the mean of a, halfway, at the mean of b: 0, 1/2 and 1 along the line.
  std::array<double, 3> density{};
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] != a && labels[i] != b) continue;
    double along = 0;
    for (std::size_t c = 0; c < line.size(); ++c) along += (static_cast<double>(vectors[i][c]) - from[c]) * line[c];
    along /= square;
    for (std::size_t place = 0; place < density.size(); ++place) {
      const double away = (along - static_cast<double>(place) / 2) / kKernel;
      density[place] += static_cast<double>(weights[i]) * std::exp(-away * away / 2);
    }
  }
  return density[1] / std::max(std::min(density[0], density[2]), 1e-9);
}

}  // namespace amanuensis::pipeline
