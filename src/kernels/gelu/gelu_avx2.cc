#include "kernels/gelu/gelu_impl.h"
#include "kernels/gelu/gelu_simd.h"
#include "kernels/simd/simd_avx2.h"

namespace amanuensis::kernels {

void gelu_avx2(const float* x, float* y, std::size_t n) noexcept { gelu_row<Avx2>(x, y, n); }

}  // namespace amanuensis::kernels
