#include "kernels/attention/attention_impl.h"
#include "kernels/attention/cached_attention_simd.h"
#include "kernels/attention/self_attention_simd.h"
#include "kernels/gemm/gemm_policies_avx512.h"

namespace amanuensis::kernels {

std::size_t self_attention_bf16_prepared_avx512(std::size_t frames, std::size_t head_dim) noexcept {
  return attention_prepared_bytes<BFloat16Avx512>(frames, head_dim);
}
std::size_t self_attention_bf16_scratch_avx512(std::size_t head_dim) noexcept {
  return attention_scratch_bytes<BFloat16Avx512>(head_dim);
}
void self_attention_bf16_prepare_avx512(const AttentionKeys& keys, std::byte* prepared) noexcept {
  attention_prepare<BFloat16Avx512>(keys, prepared);
}
void self_attention_bf16_avx512(const AttentionQueries& queries) noexcept { attention_run<BFloat16Avx512>(queries); }
void cached_attention_bf16_avx512(const CachedAttentionTask& task) noexcept {
  cached_attention_run<BFloat16Avx512>(task);
}

}  // namespace amanuensis::kernels
