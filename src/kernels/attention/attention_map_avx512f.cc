#include "kernels/attention/attention_map_impl.h"
#include "kernels/attention/attention_map_simd.h"
#include "kernels/gemm/gemm_policies_avx512f.h"

namespace amanuensis::kernels {

void attention_map_f32_avx512f(const AttentionMapTask& task) noexcept { attention_map_run<Float32Avx512>(task); }

}  // namespace amanuensis::kernels
