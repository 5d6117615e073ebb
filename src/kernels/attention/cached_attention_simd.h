// Attention over a cache, over a simd_*.h vocabulary `V` and the cache's element type `T` (float, or bfloat16 bits that
// are widened as they are read: the work is bound by reading the cache).
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/attention/cached_attention.h"
#include "kernels/simd/vector_math.h"

namespace amanuensis::kernels {

// scores[j] of one block of keys, q being scaled by `scale`. Even and odd dimensions have their own sums, so that an
// addition need not wait for the last.
template <typename V, typename T>
void cached_scores(const float* q, float scale, const T* keys, std::size_t dim, float* scores) {
  using F = typename V::F;
  constexpr std::size_t kVectors = kKeyBlock / V::kLanes;
  F sums[2][kVectors];
  for (auto& half : sums) {
    for (F& sum : half) sum = V::zero();
  }
  for (std::size_t d = 0; d + 2 <= dim; d += 2) {
    for (std::size_t half = 0; half < 2; ++half) {
      const F factor = V::set(q[d + half] * scale);
      const T* from = keys + (d + half) * kKeyBlock;
      for (std::size_t i = 0; i < kVectors; ++i) {
        sums[half][i] = V::fma(factor, V::load(from + i * V::kLanes), sums[half][i]);
      }
    }
  }
  if (dim % 2 != 0) {
    const F factor = V::set(q[dim - 1] * scale);
    for (std::size_t i = 0; i < kVectors; ++i) {
      sums[0][i] = V::fma(factor, V::load(keys + (dim - 1) * kKeyBlock + i * V::kLanes), sums[0][i]);
    }
  }
  for (std::size_t i = 0; i < kVectors; ++i) V::store(scores + i * V::kLanes, V::add(sums[0][i], sums[1][i]));
}

// Replaces scores (powers of two) by weights, returns their sum. `count` scores, memory for whole key blocks.
template <typename V>
float cached_softmax(float* scores, std::size_t count) {
  using F = typename V::F;
  F largest = V::set(-1e30f);
  std::size_t j = 0;
  for (; j + V::kLanes <= count; j += V::kLanes) largest = V::max(largest, V::load(scores + j));
  if (j < count) {
    V::store(scores + j, V::keep_first(V::load(scores + j), count - j, V::set(-1e30f)));
    largest = V::max(largest, V::load(scores + j));
  }
  largest = V::set(V::reduce_max(largest));
  F total = V::zero();
  for (j = 0; j < count; j += V::kLanes) {
    const F weight = exp2<V>(V::sub(V::load(scores + j), largest));
    const F kept = count - j < V::kLanes ? V::keep_first(weight, count - j, V::zero()) : weight;
    V::store(scores + j, kept);
    total = V::add(total, kept);
  }
  return V::reduce_add(total);
}

// out = weights * values * scale.
template <typename V, typename T>
void cached_values(const float* weights, const T* values, std::size_t count, std::size_t dim, float scale, float* out) {
  using F = typename V::F;
  constexpr std::size_t kWide = 4;
  std::size_t d = 0;
  for (; d + kWide * V::kLanes <= dim; d += kWide * V::kLanes) {
    F sums[kWide];
    for (F& sum : sums) sum = V::zero();
    const T* from = values + d;
    for (std::size_t j = 0; j < count; ++j, from += dim) {
      const F weight = V::set(weights[j]);
      for (std::size_t i = 0; i < kWide; ++i) sums[i] = V::fma(weight, V::load(from + i * V::kLanes), sums[i]);
    }
    for (std::size_t i = 0; i < kWide; ++i) V::store(out + d + i * V::kLanes, V::mul(sums[i], V::set(scale)));
  }
  for (; d < dim; d += V::kLanes) {
    const std::size_t lanes = dim - d < V::kLanes ? dim - d : V::kLanes;
    F sum = V::zero();
    for (std::size_t j = 0; j < count; ++j) {
      const T* from = values + j * dim + d;
      sum = V::fma(V::set(weights[j]), lanes < V::kLanes ? V::load_first(from, lanes) : V::load(from), sum);
    }
    sum = V::mul(sum, V::set(scale));
    if (lanes < V::kLanes) {
      V::store_first(out + d, lanes, sum);
    } else {
      V::store(out + d, sum);
    }
  }
}

template <typename V, typename T>
void cached_attention_run(const CachedAttentionTask& task) {
  const auto* keys = static_cast<const T*>(task.keys);
  const auto* values = static_cast<const T*>(task.values);
  const float scale = kLog2E / __builtin_sqrtf(static_cast<float>(task.head_dim));
  for (std::size_t row = 0; row < task.rows; ++row) {
    const std::size_t count = task.visible + (task.causal ? row : 0);
    const float* q = task.q + row * task.q_stride;
    for (std::size_t j = 0; j < count; j += kKeyBlock) {
      cached_scores<V, T>(q, scale, keys + j * task.head_dim, task.head_dim, task.scratch + j);
    }
    const float total = cached_softmax<V>(task.scratch, count);
    cached_values<V, T>(task.scratch, values, count, task.head_dim, total > 0.0f ? 1.0f / total : 0.0f,
                        task.out + row * task.out_stride);
  }
}

}  // namespace amanuensis::kernels
