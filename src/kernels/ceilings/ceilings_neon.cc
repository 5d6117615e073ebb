#include <arm_neon.h>

#include "kernels/ceilings/ceilings_impl.h"
#include "kernels/ceilings/peak_chains_neon.h"

namespace amanuensis::kernels {

void peak_f32_neon(std::uint64_t turns) noexcept {
  float32x4_t sums[kPeakChains] = {};
  const float32x4_t a = vdupq_n_f32(0.0f);
  AMANUENSIS_CHAINS("fmla %0.4s, %1.4s, %1.4s", sums, a)
}

void peak_int8_neon(std::uint64_t turns) noexcept {
  int32x4_t sums[kPeakChains] = {};
  const int8x16_t a = vdupq_n_s8(0);
  // Eight products, then their sums in pairs: what multiplies bytes without a dot product.
  AMANUENSIS_CHAINS("smull v31.8h, %1.8b, %1.8b\n\tsadalp %0.4s, v31.8h", sums, a)
}

std::uint64_t stream_read_neon(const std::byte* data, std::size_t size_bytes) noexcept {
  const auto* words = reinterpret_cast<const std::uint64_t*>(data);
  uint64x2_t sums[8] = {};
  for (std::size_t i = 0; i < size_bytes / sizeof(std::uint64_t); i += 16) {
    for (std::size_t j = 0; j < 8; ++j) sums[j] = vaddq_u64(sums[j], vld1q_u64(words + i + 2 * j));
  }
  for (std::size_t j = 1; j < 8; ++j) sums[0] = vaddq_u64(sums[0], sums[j]);
  return vaddvq_u64(sums[0]);
}

void stream_update_neon(float* data, std::size_t size_bytes, float factor) noexcept {
  for (std::size_t i = 0; i < size_bytes / sizeof(float); i += 4)
    vst1q_f32(data + i, vmulq_n_f32(vld1q_f32(data + i), factor));
}

}  // namespace amanuensis::kernels
