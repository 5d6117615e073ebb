// Mel bands of 16 frames' power spectra, as decimal logarithms: the second half of a log-mel spectrogram.
//   out[b][f] = log10(max(sum over j of weights[first_weight + j] * power[first_bin + j][f], 1e-10))
// Bands are sparse: each covers a few neighbouring bins. (The logarithm's floor is Whisper's; openai/whisper,
// audio.py.) Pure functions: no allocation, no exceptions, any thread; pointers need no alignment beyond that of a
// float.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/isa.h"

namespace amanuensis::kernels {

inline constexpr std::size_t kMelFrameLanes = 16;
inline constexpr float kMelPowerFloor = 1e-10F;

struct MelBand {
  std::size_t first_bin = 0;
  std::size_t bins = 0;          // may be 0: the band is then at the floor
  std::size_t first_weight = 0;  // in the table shared by all bands
};

struct MelBands {
  const MelBand* bands = nullptr;
  std::size_t count = 0;
  const float* weights = nullptr;
};

// power   [bins, 16], contiguous, finite
// frames  1 to 16: how many of a row's lanes are written
// out     [bands.count, frames], rows out_stride floats apart
// Returns the largest value written.
using LogMelBandsFn = float (*)(const float* power, const MelBands& bands, std::size_t frames, float* out,
                                std::size_t out_stride) noexcept;

struct LogMelBandsVariant {
  Isa isa;
  LogMelBandsFn run;
  float max_abs_error;  // against double precision, for power in [0, 1e6]
};

// Best first; the scalar reference is last and always runs.
std::span<const LogMelBandsVariant> log_mel_bands_variants();

}  // namespace amanuensis::kernels
