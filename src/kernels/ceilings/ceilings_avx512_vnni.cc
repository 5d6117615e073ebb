#include <immintrin.h>

#include "kernels/ceilings/ceilings_impl.h"
#include "kernels/ceilings/peak_chains_x86.h"

namespace amanuensis::kernels {

#define AMANUENSIS_VNNI(sum) "vpdpbusd %13, %13, " sum "\n\t"

void peak_int8_avx512_vnni(std::uint64_t turns) noexcept { AMANUENSIS_PEAK(__m512i, turns, AMANUENSIS_VNNI) }

}  // namespace amanuensis::kernels
