// The readable reference: one query at a time, with the running maximum and sum. Keys and values are kept as float32;
// for bfloat16, everything that is multiplied is rounded to it first.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/attention/attention_impl.h"
#include "kernels/bfloat16.h"

namespace amanuensis::kernels {
namespace {

float as_is(float value) { return value; }
float rounded(float value) { return float_from_bfloat16(bfloat16_from_float(value)); }

using Rounding = float (*)(float);

std::size_t prepared_bytes(std::size_t frames, std::size_t head_dim) { return 2 * frames * head_dim * sizeof(float); }

// One query, scaled and rounded, and the running sum of its values.
std::size_t scratch_bytes(std::size_t head_dim) { return 2 * head_dim * sizeof(float); }

template <Rounding kRound>
void prepare(const AttentionKeys& keys, std::byte* prepared) {
  auto* to = reinterpret_cast<float*>(prepared);
  for (std::size_t i = 0; i < keys.frames; ++i, to += keys.head_dim) {
    std::transform(keys.k + i * keys.k_stride, keys.k + i * keys.k_stride + keys.head_dim, to, kRound);
  }
  for (std::size_t i = 0; i < keys.frames; ++i, to += keys.head_dim) {
    std::transform(keys.v + i * keys.v_stride, keys.v + i * keys.v_stride + keys.head_dim, to, kRound);
  }
}

template <Rounding kRound>
void run(const AttentionQueries& queries) {
  const std::size_t dim = queries.head_dim;
  const auto* keys = reinterpret_cast<const float*>(queries.prepared);
  const float* values = keys + queries.frames * dim;
  auto* q = reinterpret_cast<float*>(queries.scratch);
  float* sum = q + dim;
  const float scale = 1.0f / std::sqrt(static_cast<float>(dim));
  for (std::size_t row = 0; row < queries.rows; ++row) {
    for (std::size_t d = 0; d < dim; ++d) q[d] = kRound(queries.q[row * queries.q_stride + d] * scale);
    float largest = -std::numeric_limits<float>::infinity();
    float total = 0;
    std::fill_n(sum, dim, 0.0f);
    for (std::size_t j = 0; j < queries.frames; ++j) {
      float score = 0;
      for (std::size_t d = 0; d < dim; ++d) score += q[d] * keys[j * dim + d];
      if (score > largest) {
        const float shrink = std::exp(largest - score);
        total *= shrink;
        for (std::size_t d = 0; d < dim; ++d) sum[d] *= shrink;
        largest = score;
      }
      const float weight = std::exp(score - largest);
      total += weight;
      for (std::size_t d = 0; d < dim; ++d) sum[d] += kRound(weight) * values[j * dim + d];
    }
    float* out = queries.out + row * queries.out_stride;
    for (std::size_t d = 0; d < dim; ++d) out[d] = total > 0 ? sum[d] / total : 0.0f;
  }
}

}  // namespace

std::size_t self_attention_f32_prepared_scalar(std::size_t frames, std::size_t head_dim) noexcept {
  return prepared_bytes(frames, head_dim);
}
std::size_t self_attention_f32_scratch_scalar(std::size_t head_dim) noexcept { return scratch_bytes(head_dim); }
void self_attention_f32_prepare_scalar(const AttentionKeys& keys, std::byte* prepared) noexcept {
  prepare<as_is>(keys, prepared);
}
void self_attention_f32_scalar(const AttentionQueries& queries) noexcept { run<as_is>(queries); }

std::size_t self_attention_bf16_prepared_scalar(std::size_t frames, std::size_t head_dim) noexcept {
  return prepared_bytes(frames, head_dim);
}
std::size_t self_attention_bf16_scratch_scalar(std::size_t head_dim) noexcept { return scratch_bytes(head_dim); }
void self_attention_bf16_prepare_scalar(const AttentionKeys& keys, std::byte* prepared) noexcept {
  prepare<rounded>(keys, prepared);
}
void self_attention_bf16_scalar(const AttentionQueries& queries) noexcept { run<rounded>(queries); }

}  // namespace amanuensis::kernels
