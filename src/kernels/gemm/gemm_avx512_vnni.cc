#include "kernels/gemm/gemm_impl.h"
#include "kernels/gemm/gemm_policies_avx512_vnni.h"
#include "kernels/gemm/gemm_simd.h"

namespace amanuensis::kernels {

void gemm_int8_pack_rows_avx512_vnni(const float* x, std::size_t stride, std::size_t rows, std::size_t in,
                                     std::byte* blocks) noexcept {
  gemm_pack_rows<Int8Avx512>(x, stride, rows, in, blocks);
}
void gemm_int8_avx512_vnni(const GemmWeights& weights, const GemmTask& task) noexcept {
  gemm_run<Int8Avx512>(weights, task);
}

}  // namespace amanuensis::kernels
