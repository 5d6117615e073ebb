#include "kernels/gemm/gemm_impl.h"
#include "kernels/gemm/gemm_policies_avx512f.h"
#include "kernels/gemm/gemm_simd.h"

namespace amanuensis::kernels {

void gemm_f32_pack_rows_avx512f(const float* x, std::size_t stride, std::size_t rows, std::size_t in,
                                std::byte* blocks) noexcept {
  gemm_pack_rows<Float32Avx512>(x, stride, rows, in, blocks);
}
void gemm_f32_avx512f(const GemmWeights& weights, const GemmTask& task) noexcept {
  gemm_run<Float32Avx512>(weights, task);
}

}  // namespace amanuensis::kernels
