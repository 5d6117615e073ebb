#include "kernels/attention/attention_impl.h"
#include "kernels/attention/byte_policies_neon.h"
#include "kernels/attention/cached_attention_int8_simd.h"
#include "kernels/attention/cached_attention_simd.h"
#include "kernels/attention/self_attention_int8_simd.h"
#include "kernels/attention/self_attention_simd.h"
#include "kernels/gemm/gemm_policies_neon.h"

namespace amanuensis::kernels {

std::size_t self_attention_f32_prepared_neon(std::size_t frames, std::size_t head_dim) noexcept {
  return attention_prepared_bytes<Float32Neon>(frames, head_dim);
}
std::size_t self_attention_f32_scratch_neon(std::size_t head_dim) noexcept {
  return attention_scratch_bytes<Float32Neon>(head_dim);
}
void self_attention_f32_prepare_neon(const AttentionKeys& keys, std::byte* prepared) noexcept {
  attention_prepare<Float32Neon>(keys, prepared);
}
void self_attention_f32_neon(const AttentionQueries& queries) noexcept { attention_run<Float32Neon>(queries); }
void cached_attention_f32_neon(const CachedAttentionTask& task) noexcept { cached_attention_run<Float32Neon>(task); }

std::size_t self_attention_bf16_prepared_neon(std::size_t frames, std::size_t head_dim) noexcept {
  return attention_prepared_bytes<BFloat16Neon>(frames, head_dim);
}
std::size_t self_attention_bf16_scratch_neon(std::size_t head_dim) noexcept {
  return attention_scratch_bytes<BFloat16Neon>(head_dim);
}
void self_attention_bf16_prepare_neon(const AttentionKeys& keys, std::byte* prepared) noexcept {
  attention_prepare<BFloat16Neon>(keys, prepared);
}
void self_attention_bf16_neon(const AttentionQueries& queries) noexcept { attention_run<BFloat16Neon>(queries); }
void cached_attention_bf16_neon(const CachedAttentionTask& task) noexcept { cached_attention_run<BFloat16Neon>(task); }

std::size_t self_attention_int8_prepared_neon(std::size_t frames, std::size_t head_dim) noexcept {
  return byte_attention_prepared_bytes<BytesNeon<Int8Neon>>(frames, head_dim);
}
std::size_t self_attention_int8_scratch_neon(std::size_t head_dim) noexcept {
  return byte_attention_scratch_bytes<BytesNeon<Int8Neon>>(head_dim);
}
void self_attention_int8_prepare_neon(const AttentionKeys& keys, std::byte* prepared) noexcept {
  byte_attention_prepare<BytesNeon<Int8Neon>>(keys, prepared);
}
void self_attention_int8_neon(const AttentionQueries& queries) noexcept {
  byte_attention_run<BytesNeon<Int8Neon>>(queries);
}
void cached_attention_int8_neon(const CachedAttentionTask& task) noexcept {
  cached_byte_attention_run<BytesNeon<Int8Neon>>(task);
}

}  // namespace amanuensis::kernels
