// The host's part of a log-mel spectrogram on the NPU: cutting samples into frames of 16 bits, and what needs the whole
// window: its maximum, the floor below it and the scale (openai/whisper, audio.py: log_mel_spectrogram). Pure
// functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/tensor_view.h"

namespace amanuensis::device::npu {

struct MelWindow {
  std::vector<std::int16_t> samples;  // [frames, 400]
  std::size_t frames = 0;
  // Samples were multiplied by 10^(gain_log10 / 2), so that the loudest uses the whole range: power by 10^gain_log10.
  double gain_log10 = 0;
};

// Frames of 400 samples every 160, centred, mirrored at both ends, the last one dropped. samples: mono, 16 kHz; fewer
// than 201 are padded with zeros to that.
MelWindow frame_samples(std::span<const float> samples);

// From the kernel's bands [frames, 80] to Whisper's log-mel [80, frames].
void finish_log_mel(std::span<const std::int8_t> bands, const MelWindow& window, TensorView<float> out);

}  // namespace amanuensis::device::npu
