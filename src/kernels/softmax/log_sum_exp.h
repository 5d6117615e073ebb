// What a softmax divides by, as a logarithm: log(exp(x[0]) + ... + exp(x[n - 1])), whatever the size of x. The result
// is within 1e-6 of max(1, |result|). -infinity for n = 0 and when every value is; no value may be +infinity or NaN.
// Pure functions: no allocation, no exceptions; nothing needs alignment.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/isa.h"

namespace amanuensis::kernels {

using LogSumExpFn = float (*)(const float* x, std::size_t n) noexcept;

struct LogSumExpVariant {
  Isa isa;
  LogSumExpFn run;
};

// Best first; the scalar reference is last and always runs.
std::span<const LogSumExpVariant> log_sum_exp_variants();

}  // namespace amanuensis::kernels
