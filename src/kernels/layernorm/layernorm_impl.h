// The entry points of the layer norm variants, one per ISA file. For layernorm.cc alone.
#pragma once

#include <cstddef>

namespace amanuensis::kernels {

void layer_norm_scalar(const float* x, const float* gamma, const float* beta, float* y, std::size_t n) noexcept;
void layer_norm_avx2(const float* x, const float* gamma, const float* beta, float* y, std::size_t n) noexcept;
void layer_norm_avx512f(const float* x, const float* gamma, const float* beta, float* y, std::size_t n) noexcept;
void layer_norm_neon(const float* x, const float* gamma, const float* beta, float* y, std::size_t n) noexcept;

}  // namespace amanuensis::kernels
