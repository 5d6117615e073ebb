#include "kernels/gelu/gelu.h"

#include "kernels/gelu/gelu_impl.h"

namespace amanuensis::kernels {

std::span<const GeluVariant> gelu_variants() {
  static constexpr GeluVariant kVariants[] = {
      {Isa::kScalar, gelu_scalar, 1e-6f},
  };
  return kVariants;
}

}  // namespace amanuensis::kernels
