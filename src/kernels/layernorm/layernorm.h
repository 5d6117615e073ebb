// Layer normalisation of one row (Ba, Kiros & Hinton 2016, arXiv 1607.06450), with the population variance:
//   y[i] = (x[i] - mean) / sqrt(variance + 1e-5) * gamma[i] + beta[i]
// Pure functions: no allocation, no exceptions; x and y may be the same row; nothing needs alignment; n may be 0.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/isa.h"

namespace amanuensis::kernels {

inline constexpr float kLayerNormEpsilon = 1e-5f;

using LayerNormFn = void (*)(const float* x, const float* gamma, const float* beta, float* y, std::size_t n) noexcept;

struct LayerNormVariant {
  Isa isa;
  LayerNormFn run;
};

// Best first; the scalar reference is last and always runs.
std::span<const LayerNormVariant> layer_norm_variants();

}  // namespace amanuensis::kernels
