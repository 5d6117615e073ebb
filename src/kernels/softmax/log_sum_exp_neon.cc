#include "kernels/simd/simd_neon.h"
#include "kernels/softmax/log_sum_exp_impl.h"
#include "kernels/softmax/log_sum_exp_simd.h"

namespace amanuensis::kernels {

float log_sum_exp_neon(const float* x, std::size_t n) noexcept { return log_sum_exp_row<Neon>(x, n); }
ExpSum exp_sum_neon(const float* x, std::size_t n) noexcept { return exp_sum_row<Neon>(x, n); }

}  // namespace amanuensis::kernels
