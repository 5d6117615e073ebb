#include "kernels/gemm/gemm_impl.h"
#include "kernels/gemm/gemm_policies_avx2.h"
#include "kernels/gemm/gemm_simd.h"

namespace amanuensis::kernels {

void gemm_f32_pack_rows_avx2(const float* x, std::size_t stride, std::size_t rows, std::size_t in,
                             std::byte* blocks) noexcept {
  gemm_pack_rows<Float32Avx2>(x, stride, rows, in, blocks);
}
void gemm_f32_avx2(const GemmWeights& weights, const GemmTask& task) noexcept { gemm_run<Float32Avx2>(weights, task); }

void gemm_bf16_pack_rows_avx2(const float* x, std::size_t stride, std::size_t rows, std::size_t in,
                              std::byte* blocks) noexcept {
  gemm_pack_rows<BFloat16Avx2>(x, stride, rows, in, blocks);
}
void gemm_bf16_avx2(const GemmWeights& weights, const GemmTask& task) noexcept {
  gemm_run<BFloat16Avx2>(weights, task);
}

void gemm_int8_pack_rows_avx2(const float* x, std::size_t stride, std::size_t rows, std::size_t in,
                              std::byte* blocks) noexcept {
  gemm_pack_rows<Int8Avx2>(x, stride, rows, in, blocks);
}
void gemm_int8_avx2(const GemmWeights& weights, const GemmTask& task) noexcept { gemm_run<Int8Avx2>(weights, task); }

}  // namespace amanuensis::kernels
