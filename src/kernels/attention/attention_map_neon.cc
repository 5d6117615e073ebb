#include "kernels/attention/attention_map_impl.h"
#include "kernels/attention/attention_map_simd.h"
#include "kernels/gemm/gemm_policies_neon.h"

namespace amanuensis::kernels {

void attention_map_f32_neon(const AttentionMapTask& task) noexcept { attention_map_run<Float32Neon>(task); }
void attention_map_bf16_neon(const AttentionMapTask& task) noexcept { attention_map_run<BFloat16Neon>(task); }

}  // namespace amanuensis::kernels
