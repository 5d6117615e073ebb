#include "kernels/gelu/gelu.h"

#include "kernels/gelu/gelu_impl.h"

namespace amanuensis::kernels {

std::span<const GeluVariant> gelu_variants() {
  static constexpr GeluVariant kVariants[] = {
#if defined(__x86_64__)
    {Isa::kAvx512F, gelu_avx512f, 6e-7f},
    {Isa::kAvx2, gelu_avx2, 6e-7f},
#elif defined(__aarch64__)
    {Isa::kNeon, gelu_neon, 6e-7f},
#endif
    {Isa::kScalar, gelu_scalar, 1e-6f},
  };
  return kVariants;
}

}  // namespace amanuensis::kernels
