#include "kernels/attention/attention_map_impl.h"
#include "kernels/attention/attention_map_simd.h"
#include "kernels/gemm/gemm_policies_avx512.h"

namespace amanuensis::kernels {

void attention_map_bf16_avx512(const AttentionMapTask& task) noexcept { attention_map_run<BFloat16Avx512>(task); }

}  // namespace amanuensis::kernels
