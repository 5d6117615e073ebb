// The entry points of the mel variants, one per ISA file. For mel.cc alone.
#pragma once

#include <cstddef>

#include "kernels/mel/mel.h"

namespace amanuensis::kernels {

float log_mel_bands_scalar(const float* power, const MelBands& bands, std::size_t frames, float* out,
                           std::size_t out_stride) noexcept;
float log_mel_bands_avx2(const float* power, const MelBands& bands, std::size_t frames, float* out,
                         std::size_t out_stride) noexcept;
float log_mel_bands_avx512f(const float* power, const MelBands& bands, std::size_t frames, float* out,
                            std::size_t out_stride) noexcept;
float log_mel_bands_neon(const float* power, const MelBands& bands, std::size_t frames, float* out,
                         std::size_t out_stride) noexcept;

}  // namespace amanuensis::kernels
