#include "kernels/gemm/gemm_impl.h"
#include "kernels/gemm/gemm_mmla_neon.h"
#include "kernels/gemm/gemm_policies_neon_bf16.h"

namespace amanuensis::kernels {

void gemm_bf16_pack_rows_neon_bf16(const float* x, std::size_t stride, std::size_t rows, std::size_t in,
                                   std::byte* blocks) noexcept {
  mmla_pack_rows<BFloat16NeonBf16>(x, stride, rows, in, blocks);
}
void gemm_bf16_neon_bf16(const GemmWeights& weights, const GemmTask& task) noexcept {
  mmla_run<BFloat16NeonBf16>(weights, task);
}

void gemm_int8_pack_rows_neon_bf16(const float* x, std::size_t stride, std::size_t rows, std::size_t in,
                                   std::byte* blocks) noexcept {
  mmla_pack_rows<Int8NeonI8mm>(x, stride, rows, in, blocks);
}
void gemm_int8_neon_bf16(const GemmWeights& weights, const GemmTask& task) noexcept {
  mmla_run<Int8NeonI8mm>(weights, task);
}

}  // namespace amanuensis::kernels
