// Two who speak at once: where, and who the second is. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "pipeline/diarize/recording_voices.h"
#include "pipeline/diarize/turns.h"
#include "pipeline/segment/speech_spans.h"

namespace amanuensis::pipeline {

struct OverlapOptions {
  double threshold = 0.85;  // of the smoothed probability that more than one speaks
  double min_s = 0.3;
};

// The spans of the recording in which more than one speaks.
std::vector<SpeechSpan> find_overlaps(const SpeechActivity& activity, const OverlapOptions& options);

// Adds to `turns` (in order, one speaker at a time) a second speaker in each overlap: whoever of the others has the
// turn nearest in time.
void add_second_speakers(std::span<const SpeechSpan> overlaps, std::vector<SpeakerTurn>& turns);

// The probability of speech in each frame of the voice detectors (kVadFrameSamples).
std::vector<float> speech_probabilities(const SpeechActivity& activity, std::size_t samples);

}  // namespace amanuensis::pipeline
