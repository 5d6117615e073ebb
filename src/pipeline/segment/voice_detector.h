// What tells speech from everything else: a probability for each 32 ms of audio. There are two: Silero's network
// (silero_detector.h) and one that needs no weights (spectral_detector.h). A detector is the state of one recording
// and belongs to one thread.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "pipeline/segment/speech_spans.h"

namespace amanuensis::pipeline {

class VoiceDetector {
 public:
  virtual ~VoiceDetector() = default;

  // "silero" or "builtin".
  virtual std::string_view name() const = 0;

  // Takes the next samples (mono, 16 kHz) and appends the probability of speech, in [0, 1], of each frame of
  // kVadFrameSamples samples that is now known, in order. How the audio is cut into calls makes no difference.
  virtual void push(std::span<const float> samples, std::vector<float>& probabilities) = 0;
  // The audio has ended: appends what is still to come, the last, incomplete frame (as if silence followed) included.
  // Afterwards the detector is as new.
  virtual void finish(std::vector<float>& probabilities) = 0;
};

// Makes a detector for one more recording. May be called from any thread that the maker of the function allows.
using VoiceDetectorFactory = std::function<std::unique_ptr<VoiceDetector>()>;

}  // namespace amanuensis::pipeline
