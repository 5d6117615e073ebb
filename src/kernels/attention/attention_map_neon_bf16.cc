#include "kernels/attention/attention_map_impl.h"
#include "kernels/attention/attention_map_simd.h"
#include "kernels/gemm/gemm_policies_neon_bf16.h"

namespace amanuensis::kernels {

void attention_map_bf16_neon_bf16(const AttentionMapTask& task) noexcept { attention_map_run<BFloat16NeonBf16>(task); }

}  // namespace amanuensis::kernels
