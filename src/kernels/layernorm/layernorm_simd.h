// Layer norm of a row over a simd_*.h vocabulary: mean first, then the variance of what is left, in float32 lanes.
#pragma once

#include <cstddef>

#include "kernels/layernorm/layernorm.h"

namespace amanuensis::kernels {

template <typename V>
void layer_norm_row(const float* x, const float* gamma, const float* beta, float* y, std::size_t n) {
  using F = typename V::F;
  constexpr std::size_t kLanes = V::kLanes;
  if (n == 0) return;
  const std::size_t whole = n / kLanes * kLanes;
  const std::size_t tail = n - whole;
  F sum = tail > 0 ? V::load_first(x + whole, tail) : V::zero();
  for (std::size_t i = 0; i < whole; i += kLanes) sum = V::add(sum, V::load(x + i));
  const F mean = V::set(V::reduce_add(sum) / static_cast<float>(n));
  F squares = V::zero();
  if (tail > 0) {
    const F centred = V::keep_first(V::sub(V::load_first(x + whole, tail), mean), tail, V::zero());
    squares = V::mul(centred, centred);
  }
  for (std::size_t i = 0; i < whole; i += kLanes) {
    const F centred = V::sub(V::load(x + i), mean);
    squares = V::fma(centred, centred, squares);
  }
  const float variance = V::reduce_add(squares) / static_cast<float>(n);
  const F scale = V::set(1.0f / __builtin_sqrtf(variance + kLayerNormEpsilon));
  for (std::size_t i = 0; i < whole; i += kLanes) {
    const F normal = V::mul(V::sub(V::load(x + i), mean), scale);
    V::store(y + i, V::fma(normal, V::load(gamma + i), V::load(beta + i)));
  }
  if (tail > 0) {
    const F normal = V::mul(V::sub(V::load_first(x + whole, tail), mean), scale);
    V::store_first(y + whole, tail,
                   V::fma(normal, V::load_first(gamma + whole, tail), V::load_first(beta + whole, tail)));
  }
}

}  // namespace amanuensis::kernels
