// The voices of one recording: it listens while the audio is read and gives vectors for any of its regions afterwards.
// Each embedder decides what it keeps meanwhile. Belongs to one thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "pipeline/segment/speech_spans.h"

namespace amanuensis::pipeline {

// How many speak, by frames of 20 ms: probabilities that nobody, one, two, three, or more do.
struct SpeechActivity {
  static constexpr std::size_t kHopSamples = 320;
  static constexpr std::size_t kMost = 4;
  std::vector<std::array<float, kMost + 1>> frames;
  std::vector<float> level;  // of each frame: the logarithm of power, mean of what voices have most of
};

class RecordingVoices {
 public:
  virtual ~RecordingVoices() = default;

  // Takes the next samples (mono, 16 kHz), however many.
  virtual void push(std::span<const float> samples) = 0;
  // The audio has ended. How many speak when, if this embedder knows: then no voice detector is needed. Once, before
  // finish().
  virtual SpeechActivity activity() { return {}; }
  // The audio has ended; these spans of it are speech. Once, before the calls below.
  virtual void finish(std::span<const SpeechSpan> speech) = 0;

  // Appends the vector of each region (samples of the recording; sorted by start, may overlap), of length 1, or zero
  // for a region with nothing to go by. Comparable within this recording.
  virtual void embed(std::span<const SpeechSpan> regions, std::vector<float>& vectors) const = 0;

  // The voice of whoever speaks in these regions, comparable with those of other recordings. Empty when there is
  // nothing to go by.
  virtual std::vector<float> voice(std::span<const SpeechSpan> regions) const = 0;
};

}  // namespace amanuensis::pipeline
