// The attention map over a policy `D` of the matrix product, from the parts of attention over a cache.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/attention/attention_map.h"
#include "kernels/attention/cached_attention_simd.h"

namespace amanuensis::kernels {

// R rows of queries, for which the keys are read once.
template <typename D, int R>
void attention_map_rows(const AttentionMapTask& task, std::size_t first) {
  using V = typename D::V;
  const CachedAttentionTask scratch = {
      .keys = task.keys, .head_dim = task.head_dim, .visible = task.visible, .scratch = task.scratch};
  const CachedRows rows = cached_rows_at<D, R>(scratch, 0);
  for (std::size_t r = 0; r < R; ++r) {
    cached_pack<D>(task.q + (first + r) * task.q_stride, task.head_dim, rows.queries + r * rows.query_stride);
  }
  const typename V::F scale = V::set(kLog2E / __builtin_sqrtf(static_cast<float>(task.head_dim)));
  cached_all_scores<D, R>(rows, (task.head_dim + D::kValues - 1) / D::kValues, task.keys,
                          [&](const typename D::Sum& sum, int, std::size_t) { return V::mul(sum, scale); });
  for (std::size_t r = 0; r < R; ++r) {
    float* scores = rows.scores + r * rows.padded;
    const typename V::F inverse = V::set(1.0f / cached_softmax<V>(scores, task.visible));
    float* map = task.map + (first + r) * task.map_stride;
    std::size_t j = 0;
    for (; j + V::kLanes <= task.visible; j += V::kLanes) V::store(map + j, V::mul(V::load(scores + j), inverse));
    if (j < task.visible) V::store_first(map + j, task.visible - j, V::mul(V::load(scores + j), inverse));
  }
}

template <typename D>
void attention_map_run(const AttentionMapTask& task) {
  if (task.visible == 0) return;
  cached_in_groups<kCachedRows<typename D::V>>(
      0, task.rows, [&]<int R>(std::size_t first) { attention_map_rows<D, R>(task, first); });
}

}  // namespace amanuensis::kernels
