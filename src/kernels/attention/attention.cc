#include "kernels/attention/attention_impl.h"

namespace amanuensis::kernels {

std::span<const SelfAttentionVariant> self_attention_variants() {
  static constexpr SelfAttentionVariant kVariants[] = {
      {Isa::kScalar, AttentionType::kFloat32, kScalarQueryBlock, self_attention_f32_prepared_scalar,
       self_attention_f32_scratch_scalar, self_attention_f32_prepare_scalar, self_attention_f32_scalar},
  };
  return kVariants;
}

std::span<const CachedAttentionVariant> cached_attention_variants() {
  static constexpr CachedAttentionVariant kVariants[] = {
      {Isa::kScalar, AttentionType::kFloat32, cached_attention_f32_scalar},
      {Isa::kScalar, AttentionType::kBFloat16, cached_attention_bf16_scalar},
  };
  return kVariants;
}

}  // namespace amanuensis::kernels
