// Several who speak at once: where, how many, and who they are besides the one who has the turn. Pure functions; any
// thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "pipeline/diarize/recording_voices.h"
#include "pipeline/diarize/turns.h"

namespace amanuensis::pipeline {

struct OverlapOptions {
  // Of the smoothed probabilities that at least two, three and four speak.
  std::array<double, SpeechActivity::kMost - 1> least{0.35, 0.15, 0.12};
  // The same for frames in which one voice explains all that is heard.
  double least_where_sure = 0.45;
  // A shorter overlap is none.
  double min_s = 0.2;
};

// How many speak in each frame of the activity where several do (2 to 4), 0 elsewhere. sure: frames in which one voice
// explains all that is heard; may be empty.
std::vector<std::uint8_t> count_overlapping(const SpeechActivity& activity, const OverlapOptions& options,
                                            const std::vector<bool>& sure = {});

// How many must be there because so many speak at once for long enough, in a recording with so much speech: at least 1.
std::size_t most_at_once(std::span<const std::uint8_t> counts, double speech_s);

// Adds to `turns` (in order, one speaker at a time) as many more as counts say: those whose turns are nearest in time.
void add_more_speakers(std::span<const std::uint8_t> counts, std::size_t speakers, std::vector<SpeakerTurn>& turns);

// The probability of speech in each frame of the voice detectors (kVadFrameSamples).
std::vector<float> speech_probabilities(const SpeechActivity& activity, std::size_t samples);

}  // namespace amanuensis::pipeline
