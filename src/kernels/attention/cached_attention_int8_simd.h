// Attention over a cache of bytes, over a policy `B` (byte_policies_<isa>.h). Queries are rounded to 127 steps a row.
// Weights, times the step of their row of values, are rounded to 14 bits: two unsigned halves of seven, which are
// multiplied one after the other with values that are read once.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/attention/cached_attention_simd.h"

namespace amanuensis::kernels {

inline constexpr float kByteWeightLimit = 16383.0f;  // 14 bits

// A query in units; returns its step and writes the sum of its bytes. Loops that the compiler turns into vectors: sizes
// of float32 values order as their bits do.
template <typename B>
float cached_byte_query(const float* q, std::size_t dim, std::uint32_t* units, std::int32_t& sum) {
  std::int32_t largest_bits = 0;
  for (std::size_t d = 0; d < dim; ++d) {
    std::int32_t bits;
    __builtin_memcpy(&bits, q + d, sizeof(bits));
    bits &= 0x7fffffff;
    largest_bits = bits > largest_bits ? bits : largest_bits;
  }
  float largest;
  __builtin_memcpy(&largest, &largest_bits, sizeof(largest));
  const float inverse = largest > 0.0f ? 127.0f / largest : 0.0f;
  units[(dim - 1) / 4] = 0;  // whose last bytes may be beyond the query
  auto* bytes = reinterpret_cast<std::uint8_t*>(units);
  std::int32_t total = 0;
  for (std::size_t d = 0; d < dim; ++d) {
    const auto value = static_cast<std::int32_t>(__builtin_rintf(q[d] * inverse));
    total += value;
    bytes[d] = static_cast<std::uint8_t>(value);
  }
  sum = total;
  return largest / 127.0f;
}

// Multiplies `padded` weights by their steps and splits them into two rows of bytes, which are units of four in their
// order. Returns what one of the weights' steps is worth.
template <typename B>
float cached_byte_weights(float* weights, const float* steps, std::size_t padded, std::uint8_t* high,
                          std::uint8_t* low) {
  using V = typename B::V;
  typename V::F largest = V::zero();
  for (std::size_t j = 0; j < padded; j += V::kLanes) {
    const typename V::F weight = V::mul(V::load(weights + j), V::load(steps + j));
    V::store(weights + j, weight);
    largest = V::max(largest, weight);
  }
  const float most = V::reduce_max(largest);
  const typename V::F scale = V::set(most > 0.0f ? kByteWeightLimit / most : 0.0f);
  for (std::size_t j = 0; j < padded; j += V::kLanes) {
    B::split_weights(V::mul(V::load(weights + j), scale), high + j, low + j);
  }
  return most / kByteWeightLimit;
}

// out[r][0, W vectors) = weights * values * scale[r]; as cached_values.
template <typename B, int R, int W>
void cached_byte_values(const CachedRows& rows, std::size_t units, const std::uint32_t* values, std::size_t stride,
                        std::size_t last_lanes, const float* scale, float* out, std::size_t out_stride) {
  using V = typename B::V;
  using D = typename B::Values;
  typename B::Int sums[2][R][W];
  for (auto& half : sums) {
    for (auto& row : half) {
      for (auto& sum : row) sum = B::zero();
    }
  }
  const std::size_t half_units = rows.padded / 4;
  for (std::size_t unit = 0; unit < units; ++unit) {
    const std::uint32_t* from = values + unit * stride;
    typename D::Right right[W];
#pragma GCC unroll 8
    for (int i = 0; i < W; ++i) {
      const std::uint32_t* vector = from + static_cast<std::size_t>(i) * V::kLanes;
      cached_ask_ahead(vector);
      // A short vector is the only one of its group.
      right[i] = W > 1 || last_lanes == V::kLanes ? D::load(vector) : B::load_first(vector, last_lanes);
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const std::uint32_t* weights = rows.weights + static_cast<std::size_t>(r) * rows.padded + unit;
      const typename B::Int high = B::broadcast(weights);
      const typename B::Int low = B::broadcast(weights + half_units);
#pragma GCC unroll 8
      for (int i = 0; i < W; ++i) {
        sums[0][r][i] = B::dot(sums[0][r][i], high, right[i]);
        sums[1][r][i] = B::dot(sums[1][r][i], low, right[i]);
      }
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int i = 0; i < W; ++i) {
      const typename V::F sum = V::fma(B::to_float(sums[0][r][i]), V::set(128.0f), B::to_float(sums[1][r][i]));
      const typename V::F value = V::mul(sum, V::set(scale[r]));
      float* to = out + static_cast<std::size_t>(r) * out_stride + static_cast<std::size_t>(i) * V::kLanes;
      if (W > 1 || last_lanes == V::kLanes) {
        V::store(to, value);
      } else {
        V::store_first(to, last_lanes, value);
      }
    }
  }
}

template <typename B, int R>
void cached_byte_attention_rows(const CachedAttentionTask& task, std::size_t first) {
  using V = typename B::V;
  constexpr int kWide =
      R * 2 * 4 <= static_cast<int>(V::kLanes) ? 4 : 2;  // vectors of values that leave sums in registers
  const std::size_t dim = task.head_dim;
  const CachedRows rows = cached_rows_at<B, R>(task, first);
  const float scale = kLog2E / __builtin_sqrtf(static_cast<float>(dim));
  typename V::F step[R];
  typename B::Int offset[R];
  for (std::size_t r = 0; r < R; ++r) {
    std::int32_t sum = 0;
    step[r] = V::set(scale * cached_byte_query<B>(task.q + (first + r) * task.q_stride, dim,
                                                  rows.queries + r * rows.query_stride, sum));
    offset[r] = B::cached_offset(sum);
  }
  cached_all_scores<typename B::CachedKeys, R>(rows, (dim + 3) / 4, task.keys,
                                               [&](const typename B::Int& sum, int r, std::size_t key) {
                                                 const typename V::F product = B::to_float(B::subtract(sum, offset[r]));
                                                 return V::mul(V::mul(product, step[r]), V::load(task.key_steps + key));
                                               });
  float scales[R];
  for (std::size_t r = 0; r < R; ++r) {
    const float inverse = cached_row_weights<V>(task, rows, r, dim);
    auto* high = reinterpret_cast<std::uint8_t*>(rows.weights + r * rows.padded);
    scales[r] = inverse * cached_byte_weights<B>(rows.scores + r * rows.padded, task.value_steps, rows.padded, high,
                                                 high + rows.padded);
  }
  const auto* values = static_cast<const std::uint32_t*>(task.values);
  const std::size_t count = task.visible + (task.causal ? first + R - 1 : 0);
  const std::size_t units = (count + 3) / 4;
  float* out = task.out + first * task.out_stride;
  std::size_t d = 0;
  for (; d + kWide * V::kLanes <= dim; d += kWide * V::kLanes) {
    cached_byte_values<B, R, kWide>(rows, units, values + d, dim, V::kLanes, scales, out + d, task.out_stride);
  }
  for (; d < dim; d += V::kLanes) {
    const std::size_t lanes = dim - d < V::kLanes ? dim - d : V::kLanes;
    cached_byte_values<B, R, 1>(rows, units, values + d, dim, lanes, scales, out + d, task.out_stride);
  }
}

template <typename B>
void cached_byte_attention_run(const CachedAttentionTask& task) {
  cached_in_groups<kCachedRows<typename B::V>>(
      0, task.rows, [&]<int R>(std::size_t first) { cached_byte_attention_rows<B, R>(task, first); });
}

}  // namespace amanuensis::kernels
