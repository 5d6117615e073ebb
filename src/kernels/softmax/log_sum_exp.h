// What a softmax divides by, as a logarithm: log(exp(x[0]) + ... + exp(x[n - 1])), whatever the size of x. The result
// is within 1e-6 of max(1, |result|). -infinity for n = 0 and when every value is; no value may be +infinity or NaN.
// The same from its two parts, for callers that add up many of them or want the largest value itself: its first place,
// and the sum of exp(x[i] - largest), within 1e-6 of itself; {0, -infinity, 0} when there is none.
// Pure functions: no allocation, no exceptions; nothing needs alignment.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/isa.h"

namespace amanuensis::kernels {

struct ExpSum {
  std::size_t index = 0;
  float largest = 0;
  float sum = 0;
};

struct LogSumExpVariant {
  Isa isa;
  float (*run)(const float* x, std::size_t n) noexcept;
  ExpSum (*parts)(const float* x, std::size_t n) noexcept;
};

// Best first; the scalar reference is last and always runs.
std::span<const LogSumExpVariant> log_sum_exp_variants();

}  // namespace amanuensis::kernels
