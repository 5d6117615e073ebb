// Several who speak at once: where, how many, and who they are besides the one who has the turn. Pure functions; any
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "pipeline/diarize/recording_voices.h"
#include "pipeline/diarize/turns.h"

namespace amanuensis::pipeline {

struct OverlapOptions {
  // Of the smoothed probabilities that at least two, and at least three, speak.
  double two = 0.8;
  double three = 0.5;
  // A shorter overlap is none.
  double min_s = 0.2;
};

// How many speak in each frame of the activity where several do (2 or 3), 0 elsewhere.
std::vector<std::uint8_t> count_overlapping(const SpeechActivity& activity, const OverlapOptions& options);

// Adds to `turns` (in order, one speaker at a time) as many more as counts say: those whose turns are nearest in time.
void add_more_speakers(std::span<const std::uint8_t> counts, std::size_t speakers, std::vector<SpeakerTurn>& turns);

// The probability of speech in each frame of the voice detectors (kVadFrameSamples).
std::vector<float> speech_probabilities(const SpeechActivity& activity, std::size_t samples);

}  // namespace amanuensis::pipeline
