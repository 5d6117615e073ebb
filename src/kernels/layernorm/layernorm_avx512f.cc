#include "kernels/layernorm/layernorm_impl.h"
#include "kernels/layernorm/layernorm_simd.h"
#include "kernels/simd/simd_avx512.h"

namespace amanuensis::kernels {

void layer_norm_avx512f(const float* x, const float* gamma, const float* beta, float* y, std::size_t n) noexcept {
  layer_norm_row<Avx512>(x, gamma, beta, y, n);
}

}  // namespace amanuensis::kernels
