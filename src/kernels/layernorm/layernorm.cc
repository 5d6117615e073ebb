#include "kernels/layernorm/layernorm.h"

#include "kernels/layernorm/layernorm_impl.h"

namespace amanuensis::kernels {

std::span<const LayerNormVariant> layer_norm_variants() {
  static constexpr LayerNormVariant kVariants[] = {
      {Isa::kScalar, layer_norm_scalar},
  };
  return kVariants;
}

}  // namespace amanuensis::kernels
