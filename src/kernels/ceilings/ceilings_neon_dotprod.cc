#include <arm_neon.h>

#include "kernels/ceilings/ceilings_impl.h"
#include "kernels/ceilings/peak_chains_neon.h"

namespace amanuensis::kernels {

void peak_int8_neon_dotprod(std::uint64_t turns) noexcept {
  int32x4_t sums[kPeakChains] = {};
  const int8x16_t a = vdupq_n_s8(0);
  AMANUENSIS_CHAINS("sdot %0.4s, %1.16b, %1.16b", sums, a)
}

}  // namespace amanuensis::kernels
