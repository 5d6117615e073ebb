#include "kernels/gemm/gemm_impl.h"
#include "kernels/gemm/gemm_policies_neon.h"
#include "kernels/gemm/gemm_simd.h"

namespace amanuensis::kernels {

void gemm_f32_pack_rows_neon(const float* x, std::size_t stride, std::size_t rows, std::size_t in,
                             std::byte* blocks) noexcept {
  gemm_pack_rows<Float32Neon>(x, stride, rows, in, blocks);
}
void gemm_f32_neon(const GemmWeights& weights, const GemmTask& task) noexcept { gemm_run<Float32Neon>(weights, task); }

void gemm_bf16_pack_rows_neon(const float* x, std::size_t stride, std::size_t rows, std::size_t in,
                              std::byte* blocks) noexcept {
  gemm_pack_rows<BFloat16Neon>(x, stride, rows, in, blocks);
}
void gemm_bf16_neon(const GemmWeights& weights, const GemmTask& task) noexcept {
  gemm_run<BFloat16Neon>(weights, task);
}

void gemm_int8_pack_rows_neon(const float* x, std::size_t stride, std::size_t rows, std::size_t in,
                              std::byte* blocks) noexcept {
  gemm_pack_rows<Int8Neon>(x, stride, rows, in, blocks);
}
void gemm_int8_neon(const GemmWeights& weights, const GemmTask& task) noexcept { gemm_run<Int8Neon>(weights, task); }

}  // namespace amanuensis::kernels
