#include <arm_neon.h>

#include "kernels/ceilings/ceilings_impl.h"
#include "kernels/ceilings/peak_chains_neon.h"

namespace amanuensis::kernels {

void peak_bf16_neon_bf16(std::uint64_t turns) noexcept {
  float32x4_t sums[kPeakChains] = {};
  const float32x4_t a = vdupq_n_f32(0.0f);
  AMANUENSIS_CHAINS("bfmmla %0.4s, %1.8h, %1.8h", sums, a)
}

void peak_int8_neon_bf16(std::uint64_t turns) noexcept {
  int32x4_t sums[kPeakChains] = {};
  const int8x16_t a = vdupq_n_s8(0);
  AMANUENSIS_CHAINS("smmla %0.4s, %1.16b, %1.16b", sums, a)
}

}  // namespace amanuensis::kernels
