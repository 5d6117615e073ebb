#include "kernels/layernorm/layernorm_impl.h"
#include "kernels/layernorm/layernorm_simd.h"
#include "kernels/simd/simd_avx2.h"

namespace amanuensis::kernels {

void layer_norm_avx2(const float* x, const float* gamma, const float* beta, float* y, std::size_t n) noexcept {
  layer_norm_row<Avx2>(x, gamma, beta, y, n);
}

}  // namespace amanuensis::kernels
