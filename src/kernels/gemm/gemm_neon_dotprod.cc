#include "kernels/gemm/gemm_impl.h"
#include "kernels/gemm/gemm_policies_neon_dotprod.h"
#include "kernels/gemm/gemm_simd.h"

namespace amanuensis::kernels {

void gemm_int8_pack_rows_neon_dotprod(const float* x, std::size_t stride, std::size_t rows, std::size_t in,
                                      std::byte* blocks) noexcept {
  gemm_pack_rows<Int8NeonDotprod>(x, stride, rows, in, blocks);
}
void gemm_int8_neon_dotprod(const GemmWeights& weights, const GemmTask& task) noexcept {
  gemm_run<Int8NeonDotprod>(weights, task);
}

}  // namespace amanuensis::kernels
