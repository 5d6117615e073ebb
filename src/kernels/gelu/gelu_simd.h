// GELU of a row over a simd_*.h vocabulary.
#pragma once

#include <cstddef>

#include "kernels/simd/vector_math.h"

namespace amanuensis::kernels {

template <typename V>
void gelu_row(const float* x, float* y, std::size_t n) {
  std::size_t i = 0;
  for (; i + V::kLanes <= n; i += V::kLanes) V::store(y + i, gelu<V>(V::load(x + i)));
  if (i < n) V::store_first(y + i, n - i, gelu<V>(V::load_first(x + i, n - i)));
}

}  // namespace amanuensis::kernels
