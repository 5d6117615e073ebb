#include <cmath>

#include "kernels/gelu/gelu_impl.h"

namespace amanuensis::kernels {

void gelu_scalar(const float* x, float* y, std::size_t n) noexcept {
  constexpr float kSqrtHalf = 0.70710678118654752f;
  for (std::size_t i = 0; i < n; ++i) y[i] = 0.5f * x[i] * (1.0f + std::erf(x[i] * kSqrtHalf));
}

}  // namespace amanuensis::kernels
