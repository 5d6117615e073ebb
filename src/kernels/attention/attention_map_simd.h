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
  const CachedAttentionTask scratch = {
      .keys = task.keys, .head_dim = task.head_dim, .visible = task.visible, .scratch = task.scratch};
  const CachedRows rows = cached_rows_at<D, 1>(scratch, 0);
  cached_pack<D>(task.q + row * task.q_stride, task.head_dim, rows.queries);
  const typename V::F scale = V::set(kLog2E / __builtin_sqrtf(static_cast<float>(task.head_dim)));
  cached_all_scores<D, 1>(rows, (task.head_dim + D::kValues - 1) / D::kValues, task.keys,
                          [&](const typename D::Sum& sum, int, std::size_t) { return V::mul(sum, scale); });
  float* scores = rows.scores;
  const typename V::F inverse = V::set(1.0f / cached_softmax<V>(scores, task.visible));
  float* map = task.map + row * task.map_stride;
  std::size_t j = 0;
  for (; j + V::kLanes <= task.visible; j += V::kLanes) V::store(map + j, V::mul(V::load(scores + j), inverse));
  if (j < task.visible) V::store_first(map + j, task.visible - j, V::mul(V::load(scores + j), inverse));
}

template <typename D>
void attention_map_run(const AttentionMapTask& task) {
  if (task.visible == 0) return;
  for (std::size_t row = 0; row < task.rows; ++row) attention_map_row<D>(task, row);
}

}  // namespace amanuensis::kernels
