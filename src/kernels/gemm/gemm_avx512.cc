#include "kernels/gemm/gemm_impl.h"
#include "kernels/gemm/gemm_policies_avx512.h"
#include "kernels/gemm/gemm_simd.h"

namespace amanuensis::kernels {

void gemm_bf16_pack_rows_avx512(const float* x, std::size_t stride, std::size_t rows, std::size_t in,
                                std::byte* blocks) noexcept {
  gemm_pack_rows<BFloat16Avx512>(x, stride, rows, in, blocks);
}
void gemm_bf16_avx512(const GemmWeights& weights, const GemmTask& task) noexcept {
  gemm_run<BFloat16Avx512>(weights, task);
}

}  // namespace amanuensis::kernels
