#include "kernels/gemm/gemm.h"

#include "kernels/gemm/gemm_impl.h"

namespace amanuensis::kernels {

std::span<const GemmVariant> gemm_variants() {
  static constexpr GemmVariant kVariants[] = {
#if defined(__x86_64__)
    {Isa::kAvx512F, GemmType::kFloat32, 12, 32, gemm_f32_pack_rows_avx512f, gemm_f32_avx512f},
    {Isa::kAvx512, GemmType::kBFloat16, 12, 32, gemm_bf16_pack_rows_avx512, gemm_bf16_avx512},
    {Isa::kAvx512Vnni, GemmType::kInt8, 12, 32, gemm_int8_pack_rows_avx512_vnni, gemm_int8_avx512_vnni},
    {Isa::kAvx2, GemmType::kFloat32, 6, 16, gemm_f32_pack_rows_avx2, gemm_f32_avx2},
    {Isa::kAvx2, GemmType::kBFloat16, 4, 16, gemm_bf16_pack_rows_avx2, gemm_bf16_avx2},
    {Isa::kAvx2, GemmType::kInt8, 4, 16, gemm_int8_pack_rows_avx2, gemm_int8_avx2},
#elif defined(__aarch64__)
    {Isa::kNeonBf16, GemmType::kBFloat16, 8, 8, gemm_bf16_pack_rows_neon_bf16, gemm_bf16_neon_bf16},
    {Isa::kNeonBf16, GemmType::kInt8, 8, 8, gemm_int8_pack_rows_neon_bf16, gemm_int8_neon_bf16},
    {Isa::kNeonDotprod, GemmType::kInt8, 8, 8, gemm_int8_pack_rows_neon_dotprod, gemm_int8_neon_dotprod},
    {Isa::kNeon, GemmType::kFloat32, 8, 8, gemm_f32_pack_rows_neon, gemm_f32_neon},
    {Isa::kNeon, GemmType::kBFloat16, 8, 8, gemm_bf16_pack_rows_neon, gemm_bf16_neon},
    {Isa::kNeon, GemmType::kInt8, 8, 8, gemm_int8_pack_rows_neon, gemm_int8_neon},
#endif
    {Isa::kScalar, GemmType::kFloat32, kScalarBlockRows, kScalarPanelCols, gemm_f32_pack_rows_scalar, gemm_f32_scalar},
    {Isa::kScalar, GemmType::kBFloat16, kScalarBlockRows, kScalarPanelCols, gemm_bf16_pack_rows_scalar,
     gemm_bf16_scalar},
    {Isa::kScalar, GemmType::kInt8, kScalarBlockRows, kScalarPanelCols, gemm_int8_pack_rows_scalar, gemm_int8_scalar},
  };
  return kVariants;
}

}  // namespace amanuensis::kernels
