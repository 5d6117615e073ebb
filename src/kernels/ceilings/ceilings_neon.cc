#include <arm_neon.h>

#include "kernels/ceilings/ceilings.h"
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
  const std::size_t part = size_bytes / sizeof(std::uint64_t) / kStreams;
  uint64x2_t sums[kStreams][4] = {};
  for (std::size_t i = 0; i < part; i += 8) {
    for (std::size_t s = 0; s < kStreams; ++s) {
      for (std::size_t j = 0; j < 4; ++j) sums[s][j] = vaddq_u64(sums[s][j], vld1q_u64(words + s * part + i + 2 * j));
    }
  }
  std::uint64_t total = 0;
  for (const auto& stream : sums) {
    for (const uint64x2_t sum : stream) total += vaddvq_u64(sum);
  }
  return total;
}

void stream_update_neon(float* data, std::size_t size_bytes, float factor) noexcept {
  const std::size_t part = size_bytes / sizeof(float) / kStreams;
  for (std::size_t i = 0; i < part; i += 16) {
    for (std::size_t s = 0; s < kStreams; ++s) {
      float* at = data + s * part + i;
      for (std::size_t j = 0; j < 16; j += 4) vst1q_f32(at + j, vmulq_n_f32(vld1q_f32(at + j), factor));
    }
  }
}

}  // namespace amanuensis::kernels
