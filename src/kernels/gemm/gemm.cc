#include "kernels/gemm/gemm.h"

#include "kernels/gemm/gemm_impl.h"

namespace amanuensis::kernels {

std::span<const GemmVariant> gemm_variants() {
  static constexpr GemmVariant kVariants[] = {
      {Isa::kScalar, GemmType::kFloat32, kScalarBlockRows, kScalarPanelCols, gemm_f32_pack_rows_scalar,
       gemm_f32_scalar},
      {Isa::kScalar, GemmType::kBFloat16, kScalarBlockRows, kScalarPanelCols, gemm_bf16_pack_rows_scalar,
       gemm_bf16_scalar},
      {Isa::kScalar, GemmType::kInt8, kScalarBlockRows, kScalarPanelCols, gemm_int8_pack_rows_scalar, gemm_int8_scalar},
  };
  return kVariants;
}

}  // namespace amanuensis::kernels
