#include "kernels/gelu/gelu_impl.h"
#include "kernels/gelu/gelu_simd.h"
#include "kernels/simd/simd_avx512.h"

namespace amanuensis::kernels {

void gelu_avx512f(const float* x, float* y, std::size_t n) noexcept { gelu_row<Avx512>(x, y, n); }

}  // namespace amanuensis::kernels
