#include "kernels/layernorm/layernorm.h"

#include "kernels/layernorm/layernorm_impl.h"

namespace amanuensis::kernels {

std::span<const LayerNormVariant> layer_norm_variants() {
  static constexpr LayerNormVariant kVariants[] = {
#if defined(__x86_64__)
    {Isa::kAvx512F, layer_norm_avx512f},
    {Isa::kAvx2, layer_norm_avx2},
#elif defined(__aarch64__)
    {Isa::kNeon, layer_norm_neon},
#endif
    {Isa::kScalar, layer_norm_scalar},
  };
  return kVariants;
}

}  // namespace amanuensis::kernels
