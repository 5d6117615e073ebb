// Sets of speakers as classes (Plaquet & Bredin 2023, "Powerset multi-class cross entropy loss for neural speaker
// diarization"): a network that names one set a frame knows overlaps without any threshold. Immutable; any thread.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace amanuensis::pipeline {

class Powerset {
 public:
  // All sets of at most `most_at_once` of `speakers`, the smaller first, each size in lexicographic order:
  // {}, {0}, {1}, {2}, {0, 1}, {0, 2}, {1, 2} of three speakers, two at once.
  Powerset(std::size_t speakers, std::size_t most_at_once);

  std::size_t speakers() const { return speakers_; }
  std::size_t classes() const { return members_.size() / speakers_; }

  // Of the likeliest class of each frame, who is in it. scores [frames, classes()], activity [frames, speakers()],
  // which becomes 0 or 1. Throws Error{kInvalidArgument} when the sizes do not fit.
  void decode(std::span<const float> scores, std::span<float> activity) const;

 private:
  std::size_t speakers_;
  std::vector<float> members_;  // [classes, speakers]
};

}  // namespace amanuensis::pipeline
