// log_sum_exp over the vocabulary of simd_*.h.
#pragma once

#include <cstddef>

#include "kernels/simd/vector_math.h"

namespace amanuensis::kernels {

template <typename V>
float log_sum_exp_row(const float* x, std::size_t n) {
  using F = typename V::F;
  const F lowest = V::set(-__builtin_inff());
  const std::size_t tail = n % V::kLanes;
  const std::size_t whole = n - tail;
  const F last = tail > 0 ? V::keep_first(V::load_first(x + whole, tail), tail, lowest) : lowest;
  F highest = last;
  for (std::size_t i = 0; i < whole; i += V::kLanes) highest = V::max(highest, V::load(x + i));
  const float largest = V::reduce_max(highest);
  if (largest == -__builtin_inff()) return largest;

  const F offset = V::set(largest);
  const F scale = V::set(kLog2E);
  const auto weight = [&](F value) { return exp2<V>(V::mul(V::sub(value, offset), scale)); };
  // Two sums, so that an addition need not wait for the last. What exp2 gives for -infinity, 2^-126, does not count.
  F total[2] = {weight(last), V::zero()};
  std::size_t i = 0;
  for (; i + 2 * V::kLanes <= whole; i += 2 * V::kLanes) {
    total[0] = V::add(total[0], weight(V::load(x + i)));
    total[1] = V::add(total[1], weight(V::load(x + i + V::kLanes)));
  }
  if (i < whole) total[1] = V::add(total[1], weight(V::load(x + i)));
  return largest + __builtin_logf(V::reduce_add(V::add(total[0], total[1])));
}

}  // namespace amanuensis::kernels
