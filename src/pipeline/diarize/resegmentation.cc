#include "pipeline/diarize/resegmentation.h"

#include <algorithm>
#include <cstdint>
#include <numeric>

namespace amanuensis::pipeline {
namespace {

// The path through [cells, speakers] similarities that is best in all.
std::vector<std::size_t> best_path(std::span<const SpeechSpan> cells, std::span<const float> similarity,
                                   std::size_t speakers, const ResegmentOptions& options) {
  std::vector<std::uint8_t> came_from(cells.size() * speakers);
  std::vector<double> score(speakers);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const bool pause = i > 0 && cells[i].start > cells[i - 1].end;
    const double cost = pause ? options.change_cost_in_pause : options.change_cost;
    const auto best = static_cast<std::size_t>(std::max_element(score.begin(), score.end()) - score.begin());
    const double changed = score[best] - cost;
    for (std::size_t k = 0; k < speakers; ++k) {
      const bool stays = i == 0 || score[k] >= changed;
      came_from[i * speakers + k] = static_cast<std::uint8_t>(stays ? k : best);
      score[k] = (i == 0 ? 0.0 : stays ? score[k] : changed) + similarity[i * speakers + k];
    }
  }
  std::vector<std::size_t> path(cells.size());
  auto state = static_cast<std::size_t>(std::max_element(score.begin(), score.end()) - score.begin());
  for (std::size_t i = cells.size(); i-- > 0;) {
    path[i] = state;
    state = came_from[i * speakers + state];
  }
  return path;
}

}  // namespace

void resegment(std::span<const SpeechSpan> cells, const VoiceVectors& vectors, std::size_t speakers,
               const ResegmentOptions& options, std::vector<std::size_t>& labels) {
  if (speakers < 2 || cells.empty()) return;
  std::vector<float> weights(cells.size());
  for (std::size_t i = 0; i < cells.size(); ++i) weights[i] = static_cast<float>(cells[i].size());
  std::vector<float> similarity(cells.size() * speakers);
  for (std::size_t round = 0; round < options.rounds; ++round) {
    const std::vector<float> centres = cluster_centres(vectors, weights, labels, speakers);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      for (std::size_t k = 0; k < speakers; ++k) {
        const float* centre = centres.data() + k * vectors.dimension;
        similarity[i * speakers + k] = std::inner_product(vectors[i].begin(), vectors[i].end(), centre, 0.0F);
      }
    }
    std::vector<std::size_t> path = best_path(cells, similarity, speakers, options);
    const bool settled = path == labels;
    labels = std::move(path);
    if (settled) return;
  }
}

}  // namespace amanuensis::pipeline
