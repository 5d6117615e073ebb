#include "kernels/attention/attention_impl.h"
#include "kernels/attention/cached_attention_simd.h"
#include "kernels/attention/self_attention_simd.h"
#include "kernels/gemm/gemm_policies_avx512f.h"

namespace amanuensis::kernels {

std::size_t self_attention_f32_prepared_avx512f(std::size_t frames, std::size_t head_dim) noexcept {
  return attention_prepared_bytes<Float32Avx512>(frames, head_dim);
}
std::size_t self_attention_f32_scratch_avx512f(std::size_t head_dim) noexcept {
  return attention_scratch_bytes<Float32Avx512>(head_dim);
}
void self_attention_f32_prepare_avx512f(const AttentionKeys& keys, std::byte* prepared) noexcept {
  attention_prepare<Float32Avx512>(keys, prepared);
}
void self_attention_f32_avx512f(const AttentionQueries& queries) noexcept { attention_run<Float32Avx512>(queries); }
void cached_attention_f32_avx512f(const CachedAttentionTask& task) noexcept {
  cached_attention_run<Float32Avx512>(task);
}

}  // namespace amanuensis::kernels
