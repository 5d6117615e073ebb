#include "decoding/log_prob.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace amanuensis::decoding {

namespace {

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

float max_value(std::span<const float> row) {
  float largest = kMinusInfinity;
  for (const float x : row) largest = std::max(largest, x);
  return largest;
}

// sum(exp((x - largest) / temperature)). Single-precision exponentials keep the vocabulary's 50,000 of them cheap; the
// sum is what needs the precision.
double sum_exp(std::span<const float> row, float largest, float inverse_temperature) {
  double sum = 0;
  for (const float x : row) sum += std::exp((x - largest) * inverse_temperature);
  return sum;
}

}  // namespace

double log_sum_exp(std::span<const float> row) {
  const float largest = max_value(row);
  if (largest == kMinusInfinity) return -std::numeric_limits<double>::infinity();
  return static_cast<double>(largest) + std::log(sum_exp(row, largest, 1.0F));
}

std::size_t arg_max(std::span<const float> row) {
  return static_cast<std::size_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

double softmax_at(std::span<const float> row, std::size_t index) {
  return std::exp(static_cast<double>(row[index]) - log_sum_exp(row));
}

std::size_t top_values(std::span<const float> row, std::span<ScoredIndex> best) {
  std::size_t found = 0;
  for (std::size_t i = 0; i < row.size() && !best.empty(); ++i) {
    if (row[i] == kMinusInfinity || (found == best.size() && !(row[i] > best.back().value))) continue;
    if (found < best.size()) ++found;
    std::size_t place = found - 1;
    for (; place > 0 && row[i] > best[place - 1].value; --place) best[place] = best[place - 1];
    best[place] = {.index = i, .value = row[i]};
  }
  return found;
}

std::size_t sample_index(std::span<const float> row, double temperature, double uniform) {
  const float largest = max_value(row);
  if (largest == kMinusInfinity) return 0;
  const auto inverse_temperature = static_cast<float>(1.0 / temperature);
  const double threshold = uniform * sum_exp(row, largest, inverse_temperature);
  double running = 0;
  std::size_t last_possible = 0;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const double weight = std::exp((row[i] - largest) * inverse_temperature);
    if (weight == 0) continue;
    running += weight;
    last_possible = i;
    if (running > threshold) return i;
  }
  return last_possible;
}

}  // namespace amanuensis::decoding
