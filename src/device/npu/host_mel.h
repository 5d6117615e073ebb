// The host's part of log-mel bands on the NPU. The kernel takes 16-bit samples and answers in bytes, so each frame is
// scaled to the whole range of 16 bits before and its scale taken off behind; frames whose bands are so even that a
// byte's step shows, and those that hold the window's maximum, are sent sixteen times with scales a sixteenth of a step
// apart, and the answers averaged. Any thread.
#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <span>
#include <string_view>

#include "base/tensor_view.h"
#include "device/npu/operations.h"

namespace amanuensis::device::npu {

struct MelFrames {
  std::size_t count = 0;
  // Writes 400 samples of mono sound at 16 kHz, not windowed. Called twice for frames that are sent again.
  std::function<void(std::size_t frame, std::span<float> samples)> read;
};

struct MelBandsOptions {
  std::string_view kernel = "log_mel_20";
  // The largest log10 of what came before these frames, if anything did.
  float largest = -std::numeric_limits<float>::infinity();
};

// log10 of the 80 bands' power, floored at 1e-10, into out [80, frames]. Values more than 8 below the largest are not
// refined: Whisper's definition raises them to that (openai/whisper, audio.py: log_mel_spectrogram).
void log_mel_bands(Operations& operations, const MelFrames& frames, TensorView<float> out,
                   const MelBandsOptions& options = {});

}  // namespace amanuensis::device::npu
