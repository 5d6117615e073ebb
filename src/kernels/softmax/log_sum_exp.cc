#include "kernels/softmax/log_sum_exp.h"

#include "kernels/softmax/log_sum_exp_impl.h"

namespace amanuensis::kernels {

std::span<const LogSumExpVariant> log_sum_exp_variants() {
  static constexpr LogSumExpVariant kVariants[] = {
#if defined(__x86_64__)
    {Isa::kAvx512F, log_sum_exp_avx512f, exp_sum_avx512f},
    {Isa::kAvx2, log_sum_exp_avx2, exp_sum_avx2},
#elif defined(__aarch64__)
    {Isa::kNeon, log_sum_exp_neon, exp_sum_neon},
#endif
    {Isa::kScalar, log_sum_exp_scalar, exp_sum_scalar},
  };
  return kVariants;
}

}  // namespace amanuensis::kernels
