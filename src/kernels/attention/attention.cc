#include "kernels/attention/attention_impl.h"

namespace amanuensis::kernels {

std::span<const SelfAttentionVariant> self_attention_variants() {
  static constexpr SelfAttentionVariant kVariants[] = {
#if defined(__x86_64__)
    {Isa::kAvx512F, AttentionType::kFloat32, 32, self_attention_f32_prepared_avx512f,
     self_attention_f32_scratch_avx512f, self_attention_f32_prepare_avx512f, self_attention_f32_avx512f},
    {Isa::kAvx512, AttentionType::kBFloat16, 32, self_attention_bf16_prepared_avx512,
     self_attention_bf16_scratch_avx512, self_attention_bf16_prepare_avx512, self_attention_bf16_avx512},
    {Isa::kAvx512Vnni, AttentionType::kInt8, 32, self_attention_int8_prepared_avx512_vnni,
     self_attention_int8_scratch_avx512_vnni, self_attention_int8_prepare_avx512_vnni, self_attention_int8_avx512_vnni},
    {Isa::kAvx2, AttentionType::kFloat32, 16, self_attention_f32_prepared_avx2, self_attention_f32_scratch_avx2,
     self_attention_f32_prepare_avx2, self_attention_f32_avx2},
    {Isa::kAvx2, AttentionType::kBFloat16, 16, self_attention_bf16_prepared_avx2, self_attention_bf16_scratch_avx2,
     self_attention_bf16_prepare_avx2, self_attention_bf16_avx2},
    {Isa::kAvx2, AttentionType::kInt8, 16, self_attention_int8_prepared_avx2, self_attention_int8_scratch_avx2,
     self_attention_int8_prepare_avx2, self_attention_int8_avx2},
#elif defined(__aarch64__)
    {Isa::kNeonBf16, AttentionType::kBFloat16, 8, self_attention_bf16_prepared_neon_bf16,
     self_attention_bf16_scratch_neon_bf16, self_attention_bf16_prepare_neon_bf16, self_attention_bf16_neon_bf16},
    {Isa::kNeonDotprod, AttentionType::kInt8, 8, self_attention_int8_prepared_neon_dotprod,
     self_attention_int8_scratch_neon_dotprod, self_attention_int8_prepare_neon_dotprod,
     self_attention_int8_neon_dotprod},
    {Isa::kNeon, AttentionType::kFloat32, 8, self_attention_f32_prepared_neon, self_attention_f32_scratch_neon,
     self_attention_f32_prepare_neon, self_attention_f32_neon},
    {Isa::kNeon, AttentionType::kBFloat16, 8, self_attention_bf16_prepared_neon, self_attention_bf16_scratch_neon,
     self_attention_bf16_prepare_neon, self_attention_bf16_neon},
    {Isa::kNeon, AttentionType::kInt8, 8, self_attention_int8_prepared_neon, self_attention_int8_scratch_neon,
     self_attention_int8_prepare_neon, self_attention_int8_neon},
#endif
    {Isa::kScalar, AttentionType::kFloat32, kScalarQueryBlock, self_attention_f32_prepared_scalar,
     self_attention_f32_scratch_scalar, self_attention_f32_prepare_scalar, self_attention_f32_scalar},
    {Isa::kScalar, AttentionType::kBFloat16, kScalarQueryBlock, self_attention_bf16_prepared_scalar,
     self_attention_bf16_scratch_scalar, self_attention_bf16_prepare_scalar, self_attention_bf16_scalar},
    {Isa::kScalar, AttentionType::kInt8, kScalarQueryBlock, self_attention_int8_prepared_scalar,
     self_attention_int8_scratch_scalar, self_attention_int8_prepare_scalar, self_attention_int8_scalar},
  };
  return kVariants;
}

std::span<const CachedAttentionVariant> cached_attention_variants() {
  static constexpr CachedAttentionVariant kVariants[] = {
#if defined(__x86_64__)
    {Isa::kAvx512F, AttentionType::kFloat32, cached_attention_f32_avx512f},
    {Isa::kAvx512, AttentionType::kBFloat16, cached_attention_bf16_avx512},
    {Isa::kAvx512Vnni, AttentionType::kInt8, cached_attention_int8_avx512_vnni},
    {Isa::kAvx2, AttentionType::kFloat32, cached_attention_f32_avx2},
    {Isa::kAvx2, AttentionType::kBFloat16, cached_attention_bf16_avx2},
    {Isa::kAvx2, AttentionType::kInt8, cached_attention_int8_avx2},
#elif defined(__aarch64__)
    {Isa::kNeonBf16, AttentionType::kBFloat16, cached_attention_bf16_neon_bf16},
    {Isa::kNeonDotprod, AttentionType::kInt8, cached_attention_int8_neon_dotprod},
    {Isa::kNeon, AttentionType::kFloat32, cached_attention_f32_neon},
    {Isa::kNeon, AttentionType::kBFloat16, cached_attention_bf16_neon},
    {Isa::kNeon, AttentionType::kInt8, cached_attention_int8_neon},
#endif
    {Isa::kScalar, AttentionType::kFloat32, cached_attention_f32_scalar},
    {Isa::kScalar, AttentionType::kBFloat16, cached_attention_bf16_scalar},
    {Isa::kScalar, AttentionType::kInt8, cached_attention_int8_scalar},
  };
  return kVariants;
}

}  // namespace amanuensis::kernels
