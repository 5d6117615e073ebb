#include "kernels/gelu/gelu_impl.h"
#include "kernels/gelu/gelu_simd.h"
#include "kernels/simd/simd_neon.h"

namespace amanuensis::kernels {

void gelu_neon(const float* x, float* y, std::size_t n) noexcept { gelu_row<Neon>(x, y, n); }

}  // namespace amanuensis::kernels
