// The beginning of a recording as a model sees it, for the commands that show what the engine computes.
#pragma once

#include <cstddef>
#include <span>
#include <stop_token>
#include <string>

#include "audio/log_mel.h"
#include "cli/terminal.h"
#include "kernels/select.h"

namespace amanuensis::cli {

struct WindowShape {
  std::size_t n_mels = 80;
  std::size_t frames = 3000;  // of 10 ms
};

// Log-mel [n_mels, frames] of the first frames, cut or padded with silence, as openai/whisper's
// log_mel_spectrogram(pad_or_trim(audio)). Throws as AudioReader does.
audio::LogMel first_window(const std::string& file, const WindowShape& shape, const kernels::KernelTable& kernels,
                           const std::stop_token& stop);

// Writes a float32 array to a .npy file, or to standard output for "-" (refused when that is a terminal).
void write_array(Terminal& terminal, const std::string& path, std::span<const float> values,
                 std::span<const std::size_t> shape);

}  // namespace amanuensis::cli
