// The entry points of the variants, one per ISA file. For log_sum_exp.cc alone.
#pragma once

#include <cstddef>

#include "kernels/softmax/log_sum_exp.h"

namespace amanuensis::kernels {

float log_sum_exp_scalar(const float* x, std::size_t n) noexcept;
float log_sum_exp_avx2(const float* x, std::size_t n) noexcept;
float log_sum_exp_avx512f(const float* x, std::size_t n) noexcept;
float log_sum_exp_neon(const float* x, std::size_t n) noexcept;

ExpSum exp_sum_scalar(const float* x, std::size_t n) noexcept;
ExpSum exp_sum_avx2(const float* x, std::size_t n) noexcept;
ExpSum exp_sum_avx512f(const float* x, std::size_t n) noexcept;
ExpSum exp_sum_neon(const float* x, std::size_t n) noexcept;

}  // namespace amanuensis::kernels
