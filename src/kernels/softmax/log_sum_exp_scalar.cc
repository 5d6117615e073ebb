#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/softmax/log_sum_exp_impl.h"

namespace amanuensis::kernels {

float log_sum_exp_scalar(const float* x, std::size_t n) noexcept {
  constexpr float kLowest = -std::numeric_limits<float>::infinity();
  const float largest = n == 0 ? kLowest : *std::max_element(x, x + n);
  if (largest == kLowest) return kLowest;
  double total = 0;
  for (std::size_t i = 0; i < n; ++i) total += std::exp(static_cast<double>(x[i]) - largest);
  return static_cast<float>(largest + std::log(total));
}

}  // namespace amanuensis::kernels
