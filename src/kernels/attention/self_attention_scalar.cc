// The readable reference: one query at a time, with the running maximum and sum.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/attention/attention_impl.h"

namespace amanuensis::kernels {

std::size_t self_attention_f32_prepared_scalar(std::size_t frames, std::size_t head_dim) noexcept {
  return 2 * frames * head_dim * sizeof(float);
}

std::size_t self_attention_f32_scratch_scalar(std::size_t head_dim) noexcept { return head_dim * sizeof(float); }

void self_attention_f32_prepare_scalar(const AttentionKeys& keys, std::byte* prepared) noexcept {
  auto* to = reinterpret_cast<float*>(prepared);
  for (std::size_t i = 0; i < keys.frames; ++i, to += keys.head_dim) {
    std::copy_n(keys.k + i * keys.k_stride, keys.head_dim, to);
  }
  for (std::size_t i = 0; i < keys.frames; ++i, to += keys.head_dim) {
    std::copy_n(keys.v + i * keys.v_stride, keys.head_dim, to);
  }
}

void self_attention_f32_scalar(const AttentionQueries& queries) noexcept {
  const std::size_t dim = queries.head_dim;
  const auto* keys = reinterpret_cast<const float*>(queries.prepared);
  const float* values = keys + queries.frames * dim;
  auto* sum = reinterpret_cast<float*>(queries.scratch);
  const float scale = 1.0f / std::sqrt(static_cast<float>(dim));
  for (std::size_t row = 0; row < queries.rows; ++row) {
    const float* q = queries.q + row * queries.q_stride;
    float largest = -std::numeric_limits<float>::infinity();
    float total = 0;
    std::fill_n(sum, dim, 0.0f);
    for (std::size_t j = 0; j < queries.frames; ++j) {
      float score = 0;
      for (std::size_t d = 0; d < dim; ++d) score += q[d] * scale * keys[j * dim + d];
      if (score > largest) {
        const float shrink = std::exp(largest - score);
        total *= shrink;
        for (std::size_t d = 0; d < dim; ++d) sum[d] *= shrink;
        largest = score;
      }
      const float weight = std::exp(score - largest);
      total += weight;
      for (std::size_t d = 0; d < dim; ++d) sum[d] += weight * values[j * dim + d];
    }
    float* out = queries.out + row * queries.out_stride;
    for (std::size_t d = 0; d < dim; ++d) out[d] = total > 0 ? sum[d] / total : 0.0f;
  }
}

}  // namespace amanuensis::kernels
