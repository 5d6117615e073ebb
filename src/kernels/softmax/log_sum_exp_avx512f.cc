#include "kernels/simd/simd_avx512.h"
#include "kernels/softmax/log_sum_exp_impl.h"
#include "kernels/softmax/log_sum_exp_simd.h"

namespace amanuensis::kernels {

float log_sum_exp_avx512f(const float* x, std::size_t n) noexcept { return log_sum_exp_row<Avx512>(x, n); }
ExpSum exp_sum_avx512f(const float* x, std::size_t n) noexcept { return exp_sum_row<Avx512>(x, n); }

}  // namespace amanuensis::kernels
