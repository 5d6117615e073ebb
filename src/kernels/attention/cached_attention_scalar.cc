#include <algorithm>
#include <cmath>
#include <cstdint>

#include "kernels/attention/attention_impl.h"
#include "kernels/bfloat16.h"

namespace amanuensis::kernels {
namespace {

constexpr AttentionType type_of(float) { return AttentionType::kFloat32; }
constexpr AttentionType type_of(std::uint16_t) { return AttentionType::kBFloat16; }
constexpr AttentionType type_of(std::int8_t) { return AttentionType::kInt8; }

float to_float(float value) { return value; }
float to_float(std::uint16_t bits) { return float_from_bfloat16(bits); }
float to_float(std::int8_t steps) { return steps; }

// What one step of a row is worth; rows of the other types have none.
float step_of(const float* steps, std::size_t row) { return steps == nullptr ? 1.0f : steps[row]; }

// One row's scores, softmax and weighted sum of values.
template <typename T>
void attend(const CachedAttentionTask& task, const float* q, std::size_t visible, float* out) {
  const auto* keys = static_cast<const T*>(task.keys);
  const auto* values = static_cast<const T*>(task.values);
  const std::size_t dim = task.head_dim;
  // The capacity only says how much memory there is.
  const CacheLayout layout(type_of(T{}), visible, dim);
  const float scale = 1.0f / std::sqrt(static_cast<float>(dim));
  float* scores = task.scratch;
  std::fill_n(out, dim, 0.0f);
  if (visible == 0) return;
  for (std::size_t j = 0; j < visible; ++j) {
    const float step = scale * step_of(task.key_steps, j);
    scores[j] = 0;
    for (std::size_t d = 0; d < dim; ++d) scores[j] += q[d] * step * to_float(keys[layout.key_index(j, d)]);
  }
  const float largest = *std::max_element(scores, scores + visible);
  float total = 0;
  for (std::size_t j = 0; j < visible; ++j) total += scores[j] = std::exp(scores[j] - largest);
  for (std::size_t j = 0; j < visible; ++j) {
    const float weight = scores[j] / total * step_of(task.value_steps, j);
    for (std::size_t d = 0; d < dim; ++d) out[d] += weight * to_float(values[layout.value_index(j, d)]);
  }
}

template <typename T>
void run(const CachedAttentionTask& task) {
  for (std::size_t i = 0; i < task.rows; ++i) {
    attend<T>(task, task.q + i * task.q_stride, task.visible + (task.causal ? i : 0), task.out + i * task.out_stride);
  }
}

}  // namespace

void cached_attention_f32_scalar(const CachedAttentionTask& task) noexcept { run<float>(task); }
void cached_attention_bf16_scalar(const CachedAttentionTask& task) noexcept { run<std::uint16_t>(task); }
void cached_attention_int8_scalar(const CachedAttentionTask& task) noexcept { run<std::int8_t>(task); }

}  // namespace amanuensis::kernels
