#include <algorithm>
#include <cmath>
#include <cstdint>

#include "kernels/attention/attention_map_impl.h"
#include "kernels/bfloat16.h"

namespace amanuensis::kernels {
namespace {

float rounded(float value, float /*cache*/) { return value; }
float rounded(float value, std::uint16_t /*cache*/) { return float_from_bfloat16(bfloat16_from_float(value)); }
float to_float(float value) { return value; }
float to_float(std::uint16_t bits) { return float_from_bfloat16(bits); }

template <typename T>
void run(AttentionType type, const AttentionMapTask& task) {
  const auto* keys = static_cast<const T*>(task.keys);
  // The capacity only says how much memory there is.
  const CacheLayout layout(type, task.visible, task.head_dim);
  const float scale = 1.0f / std::sqrt(static_cast<float>(task.head_dim));
  for (std::size_t i = 0; i < task.rows && task.visible > 0; ++i) {
    const float* q = task.q + i * task.q_stride;
    float* map = task.map + i * task.map_stride;
    for (std::size_t j = 0; j < task.visible; ++j) {
      float score = 0;
      for (std::size_t d = 0; d < task.head_dim; ++d) {
        score += rounded(q[d], T{}) * to_float(keys[layout.key_index(j, d)]);
      }
      map[j] = score * scale;
    }
    const float largest = *std::max_element(map, map + task.visible);
    float total = 0;
    for (std::size_t j = 0; j < task.visible; ++j) total += map[j] = std::exp(map[j] - largest);
    for (std::size_t j = 0; j < task.visible; ++j) map[j] /= total;
  }
}

}  // namespace

void attention_map_f32_scalar(const AttentionMapTask& task) noexcept { run<float>(AttentionType::kFloat32, task); }
void attention_map_bf16_scalar(const AttentionMapTask& task) noexcept {
  run<std::uint16_t>(AttentionType::kBFloat16, task);
}

}  // namespace amanuensis::kernels
