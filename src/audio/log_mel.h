// Whisper's log-mel spectrogram (openai/whisper, audio.py: log_mel_spectrogram): 16 kHz, 400-point periodic Hann window,
// hop 160, centred with reflect padding, last frame dropped, power spectrum, Slaney mel bands, log10 floored at 1e-10,
// floored again 8 below the maximum of the whole matrix, then (x + 4) / 4.
#pragma once

#include <cstddef>
#include <span>

#include "base/aligned_buffer.h"
#include "base/tensor_view.h"

namespace amanuensis::audio {

inline constexpr std::size_t kFftSamples = 400;
inline constexpr std::size_t kHopSamples = 160;

struct LogMel {
  AlignedBuffer<float> values;  // [n_mels, frames]
  std::size_t n_mels = 0;
  std::size_t frames = 0;

  TensorView<const float> view() const { return values.matrix(n_mels, frames); }
};

// Log-mel of samples (mono, 16 kHz) followed by `padding_samples` zeros: (samples + padding) / 160 frames, rounded down.
// n_mels is 80 or 128: Error{kInvalidArgument} otherwise. Shorter input than one window's half is padded with zeros first.
LogMel log_mel_spectrogram(std::span<const float> samples, std::size_t n_mels, std::size_t padding_samples);

}  // namespace amanuensis::audio
