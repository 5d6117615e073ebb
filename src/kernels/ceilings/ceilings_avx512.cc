#include <immintrin.h>

#include "kernels/ceilings/ceilings_impl.h"
#include "kernels/ceilings/peak_chains_x86.h"

namespace amanuensis::kernels {

#define AMANUENSIS_BF16(sum) "vdpbf16ps %13, %13, " sum "\n\t"

void peak_bf16_avx512(std::uint64_t turns) noexcept { AMANUENSIS_PEAK(__m512, turns, AMANUENSIS_BF16) }

}  // namespace amanuensis::kernels
