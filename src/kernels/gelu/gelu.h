// GELU over a contiguous row. Exact (erf) form, as Whisper uses it:
//   y[i] = x[i] / 2 * (1 + erf(x[i] / sqrt(2)))          (Hendrycks & Gimpel 2016, arXiv 1606.08415)
// Pure functions: no allocation, no exceptions; x and y may be the same row and need no alignment.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/isa.h"

namespace amanuensis::kernels {

using GeluFn = void (*)(const float* x, float* y, std::size_t n) noexcept;

struct GeluVariant {
  Isa isa;
  GeluFn run;
  float max_abs_error;  // against the formula in double precision over [-10, 10]
};

// Best first; the scalar reference is last and always runs.
std::span<const GeluVariant> gelu_variants();

}  // namespace amanuensis::kernels
