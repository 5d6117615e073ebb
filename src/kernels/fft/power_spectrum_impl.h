// The entry points of the power spectrum variants, one per ISA file. For power_spectrum.cc alone.
#pragma once

#include <cstddef>

namespace amanuensis::kernels {

void power_spectrum_scalar(const float* samples, std::size_t hop, std::size_t frames, const float* window,
                           float* power) noexcept;
void power_spectrum_avx2(const float* samples, std::size_t hop, std::size_t frames, const float* window,
                         float* power) noexcept;
void power_spectrum_avx512f(const float* samples, std::size_t hop, std::size_t frames, const float* window,
                            float* power) noexcept;
void power_spectrum_neon(const float* samples, std::size_t hop, std::size_t frames, const float* window,
                         float* power) noexcept;

}  // namespace amanuensis::kernels
