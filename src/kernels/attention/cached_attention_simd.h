// Attention over a cache, over a policy `D` of the matrix product (float32 or bfloat16), which multiplies the cache's
// units. The work is bound by reading the cache; several rows of queries are taken at once, so that it is read once for
// all of them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/attention/cached_attention.h"
#include "kernels/gemm/gemm_simd.h"
#include "kernels/simd/vector_math.h"

namespace amanuensis::kernels {

// Rows at once that leave the sums of both products in registers.
template <typename V>
inline constexpr int kCachedRows = V::kLanes >= 16 ? static_cast<int>(kCachedRowsAtOnce) : 2;

// Blocks of keys at once. One for a single row: that reads the cache in order, as fast as memory delivers it, which is
// slower than any chain of additions.
template <typename V, int R>
constexpr int cached_key_blocks() {
  constexpr int kVectors = static_cast<int>(kKeyBlock / V::kLanes);
  return R == 1 || R * kVectors >= 8 ? 1 : 8 / (R * kVectors);
}

// What lies so far ahead is asked for meanwhile: a processor that multiplies as fast as memory delivers does not look
// far enough ahead by itself. Behind the keys are the values, which come next.
[[gnu::always_inline]] inline void cached_ask_ahead(const std::uint32_t* at) {
  constexpr std::size_t kAheadBytes = 8192;
  __builtin_prefetch(at + kAheadBytes / sizeof(*at), 0, 2);
}

// One group of rows of a task, and where its intermediate results lie in the scratch.
struct CachedRows {
  std::size_t first = 0;
  std::size_t padded = 0;  // keys that the last row sees, whole blocks
  float* scores = nullptr;
  std::uint32_t* weights = nullptr;
  std::uint32_t* queries = nullptr;
  std::size_t query_stride = 0;  // in units
};

// Packs n values into units, whole chunks of them; the chunks' padding is zero.
template <typename D>
void cached_pack(const float* x, std::size_t n, std::uint32_t* units) {
  constexpr std::size_t kChunkValues = kChunkUnits * D::kValues;
  for (std::size_t i = 0; i < n; i += kChunkValues, units += kChunkUnits) {
    D::pack_chunk(x + i, n - i < kChunkValues ? n - i : kChunkValues, 1.0f, units);
  }
}

// Products of R rows of queries with B blocks of keys. finish(sum, row, key) makes a vector of scores from the sums of
// the keys from `key` on, counted from the first of these blocks.
template <typename D, int R, int B, typename Finish>
[[gnu::always_inline]] inline void cached_scores(const CachedRows& rows, std::size_t units, const std::uint32_t* keys,
                                                 float* scores, const Finish& finish) {
  using V = typename D::V;
  constexpr int kVectors = static_cast<int>(kKeyBlock / V::kLanes);
  const std::size_t block_stride = units * kKeyBlock;
  typename D::Sum sums[R][B * kVectors];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 16
    for (int i = 0; i < B * kVectors; ++i) sums[r][i] = D::zero();
  }
  for (std::size_t unit = 0; unit < units; ++unit) {
    typename D::Left left[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
      left[r] = D::broadcast(rows.queries + static_cast<std::size_t>(r) * rows.query_stride + unit);
#pragma GCC unroll 16
    for (int i = 0; i < B * kVectors; ++i) {
      const std::size_t block = static_cast<std::size_t>(i / kVectors);
      const std::size_t vector = static_cast<std::size_t>(i % kVectors);
      const std::uint32_t* from = keys + block * block_stride + unit * kKeyBlock + vector * V::kLanes;
      cached_ask_ahead(from);
      const typename D::Right right = D::load(from);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) sums[r][i] = D::dot(sums[r][i], left[r], right);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 16
    for (int i = 0; i < B * kVectors; ++i) {
      const std::size_t key = static_cast<std::size_t>(i) * V::kLanes;
      V::store(scores + static_cast<std::size_t>(r) * rows.padded + key, finish(sums[r][i], r, key));
    }
  }
}

// All scores of R rows. finish(sum, row, key) as above, with keys counted from the cache's first.
template <typename D, int R, typename Finish>
void cached_all_scores(const CachedRows& rows, std::size_t units, const void* cache, const Finish& finish) {
  constexpr int kBlocks = cached_key_blocks<typename D::V, R>();
  const auto* keys = static_cast<const std::uint32_t*>(cache);
  std::size_t j = 0;
  const auto from_here = [&](const typename D::Sum& sum, int r, std::size_t key) { return finish(sum, r, j + key); };
  for (; j + kBlocks * kKeyBlock <= rows.padded; j += kBlocks * kKeyBlock) {
    cached_scores<D, R, kBlocks>(rows, units, keys + j * units, rows.scores + j, from_here);
  }
  for (; j < rows.padded; j += kKeyBlock) {
    cached_scores<D, R, 1>(rows, units, keys + j * units, rows.scores + j, from_here);
  }
}

// Replaces scores (powers of two) by weights, returns their sum. `count` scores, memory for whole key blocks. Memory
// would have nothing to do meanwhile: the rows of values that the weights are for, `row_bytes` each, are asked for from
// it.
template <typename V>
float cached_softmax(float* scores, std::size_t count, const std::byte* values = nullptr, std::size_t row_bytes = 0) {
  constexpr std::size_t kLine = 64;
  using F = typename V::F;
  const F lowest = V::set(-1e30f);
  F largest = lowest;
  for (std::size_t j = 0; j < count; j += V::kLanes) {
    const F score = V::load(scores + j);
    largest = V::max(largest, count - j < V::kLanes ? V::keep_first(score, count - j, lowest) : score);
  }
  largest = V::set(V::reduce_max(largest));
  F total = V::zero();
  const std::byte* ahead = values;
  for (std::size_t j = 0; j < count; j += V::kLanes) {
    for (const std::byte* end = ahead + V::kLanes * row_bytes; ahead < end; ahead += kLine) {
      __builtin_prefetch(ahead, 0, 2);
    }
    const F weight = exp2<V>(V::sub(V::load(scores + j), largest));
    const F kept = count - j < V::kLanes ? V::keep_first(weight, count - j, V::zero()) : weight;
    V::store(scores + j, kept);
    total = V::add(total, kept);
  }
  return V::reduce_add(total);
}

// The softmax of the scores of a row, and zeros from its last key to the last of its group. Returns one by their sum.
// `row_bytes` as cached_softmax has it.
template <typename V>
float cached_row_weights(const CachedAttentionTask& task, const CachedRows& rows, std::size_t r,
                         std::size_t row_bytes) {
  float* scores = rows.scores + r * rows.padded;
  const std::size_t count = task.visible + (task.causal ? rows.first + r : 0);
  // One row has asked for all.
  const float total =
      cached_softmax<V>(scores, count, static_cast<const std::byte*>(task.values), r == 0 ? row_bytes : 0);
  for (std::size_t j = (count + V::kLanes - 1) / V::kLanes * V::kLanes; j < rows.padded; j += V::kLanes) {
    V::store(scores + j, V::zero());
  }
  return total > 0.0f ? 1.0f / total : 0.0f;
}

// out[r][0, W vectors) = weights * values * scale[r], for `units` units of rows that are `stride` units apart. The last
// vector has `last_lanes` values. Even and odd units have sums of their own, so that an addition need not wait for the
// last; for any R alike, so that a row's result does not depend on the rows beside it.
template <typename D, int R, int W>
void cached_values(const CachedRows& rows, std::size_t units, const std::uint32_t* values, std::size_t stride,
                   std::size_t last_lanes, const float* scale, float* out, std::size_t out_stride) {
  using V = typename D::V;
  constexpr int kSets = 2;
  typename D::Sum sums[kSets][R][W];
  for (auto& set : sums) {
    for (auto& row : set) {
      for (auto& sum : row) sum = D::zero();
    }
  }
  const auto add = [&](typename D::Sum(&set)[R][W], std::size_t unit) {
    typename D::Left left[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) left[r] = D::broadcast(rows.weights + static_cast<std::size_t>(r) * rows.padded + unit);
    const std::uint32_t* from = values + unit * stride;
#pragma GCC unroll 8
    for (int i = 0; i < W; ++i) {
      const std::uint32_t* vector = from + static_cast<std::size_t>(i) * V::kLanes;
      cached_ask_ahead(vector);
      // A short vector is the only one of its group.
      const typename D::Right right =
          W > 1 || last_lanes == V::kLanes ? D::load(vector) : D::load_first(vector, last_lanes);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) set[r][i] = D::dot(set[r][i], left[r], right);
    }
  };
  std::size_t unit = 0;
  for (; unit + kSets <= units; unit += kSets) {
    add(sums[0], unit);
    add(sums[1], unit + 1);
  }
  if (unit < units) add(sums[0], unit);
  for (int r = 0; r < R; ++r) {
    for (int i = 0; i < W; ++i) {
      const typename V::F sum = V::add(sums[0][r][i], sums[1][r][i]);
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

// Shares the scratch out for R rows from `first` on.
template <typename D, int R>
CachedRows cached_rows_at(const CachedAttentionTask& task, std::size_t first) {
  CachedRows rows;
  const std::size_t count = task.visible + (task.causal ? first + R - 1 : 0);
  rows.first = first;
  rows.padded = (count + kKeyBlock - 1) / kKeyBlock * kKeyBlock;
  rows.scores = task.scratch;
  rows.weights = reinterpret_cast<std::uint32_t*>(rows.scores + R * rows.padded);
  rows.queries = rows.weights + R * rows.padded;
  rows.query_stride = (task.head_dim + 63) / 64 * 64;
  return rows;
}

template <typename D, int R>
void cached_attention_rows(const CachedAttentionTask& task, std::size_t first) {
  using V = typename D::V;
  constexpr int kWide = R * 2 > kCachedRows<V> ? 2 : 4;  // vectors of values that leave the sums in registers
  const std::size_t dim = task.head_dim;
  const CachedRows rows = cached_rows_at<D, R>(task, first);
  for (std::size_t r = 0; r < R; ++r) {
    cached_pack<D>(task.q + (first + r) * task.q_stride, dim, rows.queries + r * rows.query_stride);
  }
  const typename V::F scale = V::set(kLog2E / __builtin_sqrtf(static_cast<float>(dim)));
  cached_all_scores<D, R>(rows, (dim + D::kValues - 1) / D::kValues, task.keys,
                          [&](const typename D::Sum& sum, int, std::size_t) { return V::mul(sum, scale); });
  float inverse[R];
  for (std::size_t r = 0; r < R; ++r) {
    inverse[r] = cached_row_weights<V>(task, rows, r, dim * 4 / D::kValues);
    cached_pack<D>(rows.scores + r * rows.padded, rows.padded, rows.weights + r * rows.padded);
  }
  const auto* values = static_cast<const std::uint32_t*>(task.values);
  const std::size_t count = task.visible + (task.causal ? first + R - 1 : 0);
  const std::size_t units = (count + D::kValues - 1) / D::kValues;
  float* out = task.out + first * task.out_stride;
  std::size_t d = 0;
  for (; d + kWide * V::kLanes <= dim; d += kWide * V::kLanes) {
    cached_values<D, R, kWide>(rows, units, values + d, dim, V::kLanes, inverse, out + d, task.out_stride);
  }
  for (; d < dim; d += V::kLanes) {
    const std::size_t lanes = dim - d < V::kLanes ? dim - d : V::kLanes;
    cached_values<D, R, 1>(rows, units, values + d, dim, lanes, inverse, out + d, task.out_stride);
  }
}

// Calls group.template operator()<R>(first row) for groups of rows, the largest first.
template <int R, typename Group>
void cached_in_groups(std::size_t first, std::size_t rows, const Group& group) {
  for (; rows - first >= R; first += R) group.template operator()<R>(first);
  if constexpr (R > 1) {
    if (first < rows) cached_in_groups<R - 1>(first, rows, group);
  }
}

template <typename D>
void cached_attention_run(const CachedAttentionTask& task) {
  cached_in_groups<kCachedRows<typename D::V>>(
      0, task.rows, [&]<int R>(std::size_t first) { cached_attention_rows<D, R>(task, first); });
}

}  // namespace amanuensis::kernels
