// The attention map over a policy `D` of the matrix product, from the parts of attention over a cache.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/attention/attention_map.h"
#include "kernels/attention/cached_attention_simd.h"

namespace amanuensis::kernels {

template <typename D>
void attention_map_row(const AttentionMapTask& task, std::size_t row) {
  using V = typename D::V;
  constexpr int kBlocks = V::kLanes >= 16 ? 2 : 1;  // as many sums as hide an addition's latency
  const std::size_t padded = (task.visible + kKeyBlock - 1) / kKeyBlock * kKeyBlock;
  float* scores = task.scratch;
  auto* query = reinterpret_cast<std::uint32_t*>(scores + padded);
  const std::size_t key_units = (task.head_dim + D::kValues - 1) / D::kValues;
  cached_pack<D>(task.q + row * task.q_stride, task.head_dim, query);

  const auto* keys = static_cast<const std::uint32_t*>(task.keys);
  std::size_t j = 0;
  for (; j + kBlocks * kKeyBlock <= padded; j += kBlocks * kKeyBlock) {
    cached_scores<D, kBlocks>(query, key_units, keys + j * key_units, scores + j);
  }
  if (j < padded) cached_scores<D, 1>(query, key_units, keys + j * key_units, scores + j);
  const typename V::F scale = V::set(kLog2E / __builtin_sqrtf(static_cast<float>(task.head_dim)));
  for (j = 0; j < padded; j += V::kLanes) V::store(scores + j, V::mul(V::load(scores + j), scale));

  const typename V::F inverse = V::set(1.0f / cached_softmax<V>(scores, task.visible));
  float* map = task.map + row * task.map_stride;
  for (j = 0; j + V::kLanes <= task.visible; j += V::kLanes) V::store(map + j, V::mul(V::load(scores + j), inverse));
  if (j < task.visible) V::store_first(map + j, task.visible - j, V::mul(V::load(scores + j), inverse));
}

template <typename D>
void attention_map_run(const AttentionMapTask& task) {
  if (task.visible == 0) return;
  for (std::size_t row = 0; row < task.rows; ++row) attention_map_row<D>(task, row);
}

}  // namespace amanuensis::kernels
