#include "kernels/gemm/gemm.h"

#include "kernels/gemm/gemm_impl.h"

namespace amanuensis::kernels {

std::span<const GemmVariant> gemm_variants() {
  static constexpr GemmVariant kVariants[] = {
#if defined(__x86_64__)
    {Isa::kAvx512, GemmType::kFloat32, 12, 32, gemm_f32_pack_rows_avx512, gemm_f32_avx512},
    {Isa::kAvx512, GemmType::kBFloat16, 12, 32, gemm_bf16_pack_rows_avx512, gemm_bf16_avx512},
    {Isa::kAvx512, GemmType::kInt8, 12, 32, gemm_int8_pack_rows_avx512, gemm_int8_avx512},
    {Isa::kAvx2, GemmType::kFloat32, 6, 16, gemm_f32_pack_rows_avx2, gemm_f32_avx2},
    {Isa::kAvx2, GemmType::kBFloat16, 4, 16, gemm_bf16_pack_rows_avx2, gemm_bf16_avx2},
    {Isa::kAvx2, GemmType::kInt8, 4, 16, gemm_int8_pack_rows_avx2, gemm_int8_avx2},
#endif
    {Isa::kScalar, GemmType::kFloat32, kScalarBlockRows, kScalarPanelCols, gemm_f32_pack_rows_scalar, gemm_f32_scalar},
    {Isa::kScalar, GemmType::kBFloat16, kScalarBlockRows, kScalarPanelCols, gemm_bf16_pack_rows_scalar,
     gemm_bf16_scalar},
    {Isa::kScalar, GemmType::kInt8, kScalarBlockRows, kScalarPanelCols, gemm_int8_pack_rows_scalar, gemm_int8_scalar},
  };
  return kVariants;
}

}  // namespace amanuensis::kernels
