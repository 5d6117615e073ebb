#include "kernels/attention/attention_map.h"

#include "kernels/attention/attention_map_impl.h"

namespace amanuensis::kernels {

std::span<const AttentionMapVariant> attention_map_variants() {
  static constexpr AttentionMapVariant kVariants[] = {
#if defined(__x86_64__)
    {Isa::kAvx512F, AttentionType::kFloat32, attention_map_f32_avx512f},
    {Isa::kAvx512, AttentionType::kBFloat16, attention_map_bf16_avx512},
    {Isa::kAvx2, AttentionType::kFloat32, attention_map_f32_avx2},
    {Isa::kAvx2, AttentionType::kBFloat16, attention_map_bf16_avx2},
#elif defined(__aarch64__)
    {Isa::kNeonBf16, AttentionType::kBFloat16, attention_map_bf16_neon_bf16},
    {Isa::kNeon, AttentionType::kFloat32, attention_map_f32_neon},
    {Isa::kNeon, AttentionType::kBFloat16, attention_map_bf16_neon},
#endif
    {Isa::kScalar, AttentionType::kFloat32, attention_map_f32_scalar},
    {Isa::kScalar, AttentionType::kBFloat16, attention_map_bf16_scalar},
  };
  return kVariants;
}

}  // namespace amanuensis::kernels
