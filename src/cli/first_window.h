// The beginning of a recording as a model sees it, for the commands that show what the engine computes.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "audio/log_mel.h"
#include "cli/terminal.h"
#include "kernels/select.h"

namespace amanuensis::cli {

// Log-mel [n_mels, frames] of the first `frames` frames (10 ms each), cut or padded with silence, as openai/whisper's
// log_mel_spectrogram(pad_or_trim(audio)). Throws as AudioReader does.
audio::LogMel first_window(const std::string& file, std::size_t n_mels, std::size_t frames,
                           const kernels::KernelTable& kernels);

// Writes a float32 array to a .npy file, or to standard output for "-" (refused when that is a terminal).
void write_array(Terminal& terminal, const std::string& path, std::span<const float> values,
                 std::span<const std::size_t> shape);

}  // namespace amanuensis::cli
