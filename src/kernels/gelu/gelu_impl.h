// The entry points of the GELU variants, one per ISA file. For gelu.cc alone.
#pragma once

#include <cstddef>

namespace amanuensis::kernels {

void gelu_scalar(const float* x, float* y, std::size_t n) noexcept;
void gelu_avx2(const float* x, float* y, std::size_t n) noexcept;
void gelu_avx512f(const float* x, float* y, std::size_t n) noexcept;
void gelu_neon(const float* x, float* y, std::size_t n) noexcept;

}  // namespace amanuensis::kernels
