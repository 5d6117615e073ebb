#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/softmax/log_sum_exp_impl.h"

namespace amanuensis::kernels {

namespace {

constexpr float kLowest = -std::numeric_limits<float>::infinity();

double sum_of(const float* x, std::size_t n, float largest) {
  double total = 0;
  for (std::size_t i = 0; i < n; ++i) total += std::exp(static_cast<double>(x[i]) - largest);
  return total;
}

}  // namespace

float log_sum_exp_scalar(const float* x, std::size_t n) noexcept {
  const float largest = n == 0 ? kLowest : *std::max_element(x, x + n);
  return largest == kLowest ? kLowest : static_cast<float>(largest + std::log(sum_of(x, n, largest)));
}

ExpSum exp_sum_scalar(const float* x, std::size_t n) noexcept {
  const float* at = std::max_element(x, x + n);
  if (n == 0 || *at == kLowest) return {.index = 0, .largest = kLowest, .sum = 0};
  return {.index = static_cast<std::size_t>(at - x), .largest = *at, .sum = static_cast<float>(sum_of(x, n, *at))};
}

}  // namespace amanuensis::kernels
