// log_sum_exp over the vocabulary of simd_*.h.
#pragma once

#include <cstddef>

#include "kernels/simd/vector_math.h"
#include "kernels/softmax/log_sum_exp.h"

namespace amanuensis::kernels {

// The largest of n values, -infinity for none.
template <typename V>
float largest_of(const float* x, std::size_t n) {
  using F = typename V::F;
  const F lowest = V::set(-__builtin_inff());
  const std::size_t tail = n % V::kLanes;
  const std::size_t whole = n - tail;
  // Several, so that a comparison need not wait for the last.
  F highest[4] = {tail > 0 ? V::keep_first(V::load_first(x + whole, tail), tail, lowest) : lowest, lowest, lowest,
                  lowest};
  std::size_t i = 0;
  for (; i + 4 * V::kLanes <= whole; i += 4 * V::kLanes) {
#pragma GCC unroll 4
    for (std::size_t j = 0; j < 4; ++j) highest[j] = V::max(highest[j], V::load(x + i + j * V::kLanes));
  }
  for (; i < whole; i += V::kLanes) highest[1] = V::max(highest[1], V::load(x + i));
  return V::reduce_max(V::max(V::max(highest[0], highest[1]), V::max(highest[2], highest[3])));
}

// The sum of exp(x[i] - largest).
template <typename V>
float exp_sum_below(const float* x, std::size_t n, float largest) {
  using F = typename V::F;
  const std::size_t tail = n % V::kLanes;
  const std::size_t whole = n - tail;
  const F offset = V::set(largest);
  const F scale = V::set(kLog2E);
  const auto weight = [&](F value) { return exp2<V>(V::mul(V::sub(value, offset), scale)); };
  // Two sums, so that an addition need not wait for the last. What exp2 gives for -infinity, 2^-126, does not count.
  const F lowest = V::set(-__builtin_inff());
  F total[2] = {weight(tail > 0 ? V::keep_first(V::load_first(x + whole, tail), tail, lowest) : lowest), V::zero()};
  std::size_t i = 0;
  for (; i + 2 * V::kLanes <= whole; i += 2 * V::kLanes) {
    total[0] = V::add(total[0], weight(V::load(x + i)));
    total[1] = V::add(total[1], weight(V::load(x + i + V::kLanes)));
  }
  if (i < whole) total[1] = V::add(total[1], weight(V::load(x + i)));
  return V::reduce_add(V::add(total[0], total[1]));
}

// The same of any length. Four lanes' sums over a whole vocabulary would lose more than a millionth to rounding: there
// each piece has sums of its own.
template <typename V>
float exp_sum_of(const float* x, std::size_t n, float largest) {
  if constexpr (V::kLanes >= 8) return exp_sum_below<V>(x, n, largest);
  constexpr std::size_t kPiece = 1024;
  float total = 0;
  for (std::size_t i = 0; i < n; i += kPiece)
    total += exp_sum_below<V>(x + i, n - i < kPiece ? n - i : kPiece, largest);
  return total;
}

template <typename V>
float log_sum_exp_row(const float* x, std::size_t n) {
  const float largest = largest_of<V>(x, n);
  return largest == -__builtin_inff() ? largest : largest + __builtin_logf(exp_sum_of<V>(x, n, largest));
}

// A row is looked through in pieces that remember their largest value; only the first piece that has the row's is
// searched for its place.
template <typename V>
ExpSum exp_sum_row(const float* x, std::size_t n) {
  constexpr std::size_t kPiece = 1024;
  ExpSum row = {.index = 0, .largest = -__builtin_inff(), .sum = 0};
  std::size_t first = 0;
  for (std::size_t i = 0; i < n; i += kPiece) {
    const float largest = largest_of<V>(x + i, n - i < kPiece ? n - i : kPiece);
    if (largest > row.largest) {
      row.largest = largest;
      first = i;
    }
  }
  if (row.largest == -__builtin_inff()) return row;
  row.index = first;
  while (x[row.index] != row.largest) ++row.index;
  row.sum = exp_sum_of<V>(x, n, row.largest);
  return row;
}

}  // namespace amanuensis::kernels
