#include "kernels/attention/attention_impl.h"
#include "kernels/attention/cached_attention_simd.h"
#include "kernels/attention/self_attention_simd.h"
#include "kernels/gemm/gemm_policies_neon_bf16.h"

namespace amanuensis::kernels {

std::size_t self_attention_bf16_prepared_neon_bf16(std::size_t frames, std::size_t head_dim) noexcept {
  return attention_prepared_bytes<BFloat16NeonBf16>(frames, head_dim);
}
std::size_t self_attention_bf16_scratch_neon_bf16(std::size_t head_dim) noexcept {
  return attention_scratch_bytes<BFloat16NeonBf16>(head_dim);
}
void self_attention_bf16_prepare_neon_bf16(const AttentionKeys& keys, std::byte* prepared) noexcept {
  attention_prepare<BFloat16NeonBf16>(keys, prepared);
}
void self_attention_bf16_neon_bf16(const AttentionQueries& queries) noexcept {
  attention_run<BFloat16NeonBf16>(queries);
}
void cached_attention_bf16_neon_bf16(const CachedAttentionTask& task) noexcept {
  cached_attention_run<BFloat16NeonBf16>(task);
}

}  // namespace amanuensis::kernels
