// Attention over a cache, over a policy `D` of the matrix product (float32 or bfloat16), which multiplies the cache's
// units. The work is bound by reading the cache, each part of which is read once per query row.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/attention/cached_attention.h"
#include "kernels/gemm/gemm_simd.h"
#include "kernels/simd/vector_math.h"

namespace amanuensis::kernels {

// Packs n values into units, whole chunks of them; the chunks' padding is zero.
template <typename D>
void cached_pack(const float* x, std::size_t n, std::uint32_t* units) {
  constexpr std::size_t kChunkValues = kChunkUnits * D::kValues;
  for (std::size_t i = 0; i < n; i += kChunkValues, units += kChunkUnits) {
    D::pack_chunk(x + i, n - i < kChunkValues ? n - i : kChunkValues, 1.0f, units);
  }
}

// Scores of B blocks of keys against `units` units of a query. Even and odd units have their own sums, so that an
// addition need not wait for the last.
template <typename D, int B>
void cached_scores(const std::uint32_t* q, std::size_t units, const std::uint32_t* keys, float* scores) {
  using V = typename D::V;
  constexpr int kVectors = static_cast<int>(kKeyBlock / V::kLanes);
  const std::size_t block_stride = units * kKeyBlock;
  typename D::Sum sums[2][B * kVectors];
  for (auto& half : sums) {
    for (auto& sum : half) sum = D::zero();
  }
  const auto add = [&](typename D::Sum(&half)[B * kVectors], std::size_t unit) {
    const typename D::Left left = D::broadcast(q + unit);
#pragma GCC unroll 8
    for (int i = 0; i < B * kVectors; ++i) {
      const std::size_t block = static_cast<std::size_t>(i / kVectors);
      const std::size_t vector = static_cast<std::size_t>(i % kVectors);
      half[i] = D::dot(half[i], left, D::load(keys + block * block_stride + unit * kKeyBlock + vector * V::kLanes));
    }
  };
  std::size_t unit = 0;
  for (; unit + 2 <= units; unit += 2) {
    add(sums[0], unit);
    add(sums[1], unit + 1);
  }
  if (unit < units) add(sums[0], unit);
  for (int i = 0; i < B * kVectors; ++i) {
    V::store(scores + static_cast<std::size_t>(i) * V::kLanes, V::add(sums[0][i], sums[1][i]));
  }
}

// Replaces scores (powers of two) by weights, returns their sum. `count` scores, memory for whole key blocks.
template <typename V>
float cached_softmax(float* scores, std::size_t count) {
  using F = typename V::F;
  const F lowest = V::set(-1e30f);
  F largest = lowest;
  for (std::size_t j = 0; j < count; j += V::kLanes) {
    const F score = V::load(scores + j);
    largest = V::max(largest, count - j < V::kLanes ? V::keep_first(score, count - j, lowest) : score);
  }
  largest = V::set(V::reduce_max(largest));
  F total = V::zero();
  for (std::size_t j = 0; j < count; j += V::kLanes) {
    const F weight = exp2<V>(V::sub(V::load(scores + j), largest));
    const F kept = count - j < V::kLanes ? V::keep_first(weight, count - j, V::zero()) : weight;
    V::store(scores + j, kept);
    total = V::add(total, kept);
  }
  return V::reduce_add(total);
}

// out[0, W vectors) = weights * values * scale, for `units` units of rows that are `stride` units apart. The last
// vector has `last_lanes` values.
template <typename D, int W>
void cached_values(const std::uint32_t* weights, std::size_t units, const std::uint32_t* values, std::size_t stride,
                   std::size_t last_lanes, float scale, float* out) {
  using V = typename D::V;
  typename D::Sum sums[2][W];
  for (auto& half : sums) {
    for (auto& sum : half) sum = D::zero();
  }
  const auto add = [&](typename D::Sum(&half)[W], std::size_t unit) {
    const typename D::Left left = D::broadcast(weights + unit);
    const std::uint32_t* from = values + unit * stride;
#pragma GCC unroll 4
    for (int i = 0; i < W; ++i) {
      const std::uint32_t* vector = from + static_cast<std::size_t>(i) * V::kLanes;
      // A short vector is the only one of its group.
      half[i] =
          D::dot(half[i], left, W > 1 || last_lanes == V::kLanes ? D::load(vector) : D::load_first(vector, last_lanes));
    }
  };
  std::size_t unit = 0;
  for (; unit + 2 <= units; unit += 2) {
    add(sums[0], unit);
    add(sums[1], unit + 1);
  }
  if (unit < units) add(sums[0], unit);
  for (int i = 0; i < W; ++i) {
    const typename V::F value = V::mul(V::add(sums[0][i], sums[1][i]), V::set(scale));
    float* to = out + static_cast<std::size_t>(i) * V::kLanes;
    if (W > 1 || last_lanes == V::kLanes) {
      V::store(to, value);
    } else {
      V::store_first(to, last_lanes, value);
    }
  }
}

template <typename D>
void cached_attention_row(const CachedAttentionTask& task, std::size_t row) {
  using V = typename D::V;
  constexpr int kBlocks = V::kLanes >= 16 ? 2 : 1;  // as many sums as hide an addition's latency
  const std::size_t dim = task.head_dim;
  const std::size_t count = task.visible + (task.causal ? row : 0);
  const std::size_t padded = (count + kKeyBlock - 1) / kKeyBlock * kKeyBlock;
  float* scores = task.scratch;
  auto* weights = reinterpret_cast<std::uint32_t*>(scores + padded);
  auto* query = weights + padded;
  float* out = task.out + row * task.out_stride;

  const float* q = task.q + row * task.q_stride;
  const std::size_t key_units = (dim + D::kValues - 1) / D::kValues;
  cached_pack<D>(q, dim, query);
  const auto* keys = static_cast<const std::uint32_t*>(task.keys);
  std::size_t j = 0;
  for (; j + kBlocks * kKeyBlock <= padded; j += kBlocks * kKeyBlock) {
    cached_scores<D, kBlocks>(query, key_units, keys + j * key_units, scores + j);
  }
  if (j < padded) cached_scores<D, 1>(query, key_units, keys + j * key_units, scores + j);
  const typename V::F scale = V::set(kLog2E / __builtin_sqrtf(static_cast<float>(dim)));
  for (j = 0; j < padded; j += V::kLanes) V::store(scores + j, V::mul(V::load(scores + j), scale));

  const float total = cached_softmax<V>(scores, count);
  cached_pack<D>(scores, count, weights);
  const float inverse = total > 0.0f ? 1.0f / total : 0.0f;
  const auto* values = static_cast<const std::uint32_t*>(task.values);
  const std::size_t row_units = (count + D::kValues - 1) / D::kValues;
  std::size_t d = 0;
  for (; d + 4 * V::kLanes <= dim; d += 4 * V::kLanes) {
    cached_values<D, 4>(weights, row_units, values + d, dim, V::kLanes, inverse, out + d);
  }
  for (; d < dim; d += V::kLanes) {
    const std::size_t lanes = dim - d < V::kLanes ? dim - d : V::kLanes;
    cached_values<D, 1>(weights, row_units, values + d, dim, lanes, inverse, out + d);
  }
}

template <typename D>
void cached_attention_run(const CachedAttentionTask& task) {
  for (std::size_t row = 0; row < task.rows; ++row) cached_attention_row<D>(task, row);
}

}  // namespace amanuensis::kernels
