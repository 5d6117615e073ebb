// Log-mel frames for telling voices apart: 40 bands of a 400-sample periodic Hann window every 160 samples, natural
// logarithm of power, as the speaker model of models/speaker was trained with (tools/speaker-model/features.py). Not
// Whisper's: neither centred nor scaled. A stream is the state of one recording and belongs to one thread.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "audio/mel_filters.h"
#include "kernels/select.h"

namespace amanuensis::audio {

inline constexpr std::size_t kVoiceBands = 40;
inline constexpr std::size_t kVoiceFrameSamples = 400;
inline constexpr std::size_t kVoiceHopSamples = 160;
// ln of the least power that counts.
inline constexpr float kVoiceMelFloor = -18.420681F;

class MelFrameStream {
 public:
  MelFrameStream();
  explicit MelFrameStream(const kernels::KernelTable& kernels);

  // Takes the next samples (mono, 16 kHz, in [-1, 1]) and appends the frames that are now complete, kVoiceBands floats
  // each, to `frames`. Frame i covers samples [160 i, 160 i + 400); an incomplete one at the end is not there.
  void push(std::span<const float> samples, std::vector<float>& frames);
  // Appends what push() still holds back. The stream is as new afterwards.
  void finish(std::vector<float>& frames);

 private:
  void take(std::size_t count, std::vector<float>& frames);

  MelFilters filters_;
  kernels::KernelTable kernels_;
  std::vector<float> window_;
  std::vector<float> buffer_;  // samples that coming frames need
};

}  // namespace amanuensis::audio
