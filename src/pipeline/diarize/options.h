// How a recording is diarized. Values; any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/diarize/turns.h"
#include "pipeline/segment/speech_spans.h"

namespace amanuensis::pipeline {

// A voice that has a name.
struct KnownVoice {
  std::string name;
  std::vector<float> voice;  // a unit vector of the embedder in use
};

struct DiarizeOptions {
  // Exactly so many speakers, as far as there is speech for them; takes precedence over the two below.
  std::optional<std::size_t> num_speakers;
  std::optional<std::size_t> min_speakers;
  std::optional<std::size_t> max_speakers;
  // Voices that give their names to the speakers who are alike enough.
  std::vector<KnownVoice> known;
  // Whether two may speak at once where it sounds like it.
  bool overlap = true;
  TurnSmoothing smoothing;
};

// Throws Error{kInvalidArgument}, naming the option: a number of speakers that is 0 or above kMaxSpeakers, a minimum
// above the maximum.
void check_diarize_options(const DiarizeOptions& options);

inline constexpr std::size_t kMaxSpeakers = 64;

}  // namespace amanuensis::pipeline
