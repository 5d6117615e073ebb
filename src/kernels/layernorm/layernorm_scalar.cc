#include <cmath>

#include "kernels/layernorm/layernorm.h"
#include "kernels/layernorm/layernorm_impl.h"

namespace amanuensis::kernels {

void layer_norm_scalar(const float* x, const float* gamma, const float* beta, float* y, std::size_t n) noexcept {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += x[i];
  const double mean = sum / static_cast<double>(n);
  double squares = 0;
  for (std::size_t i = 0; i < n; ++i) squares += (x[i] - mean) * (x[i] - mean);
  const double scale = 1.0 / std::sqrt(squares / static_cast<double>(n) + static_cast<double>(kLayerNormEpsilon));
  for (std::size_t i = 0; i < n; ++i) y[i] = static_cast<float>((x[i] - mean) * scale) * gamma[i] + beta[i];
}

}  // namespace amanuensis::kernels
