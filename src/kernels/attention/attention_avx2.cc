#include "kernels/attention/attention_impl.h"
#include "kernels/attention/byte_policies_avx2.h"
#include "kernels/attention/cache_rows_simd.h"
#include "kernels/attention/cached_attention_int8_simd.h"
#include "kernels/attention/cached_attention_simd.h"
#include "kernels/attention/self_attention_int8_simd.h"
#include "kernels/attention/self_attention_simd.h"
#include "kernels/gemm/gemm_policies_avx2.h"

namespace amanuensis::kernels {

std::size_t self_attention_f32_prepared_avx2(std::size_t frames, std::size_t head_dim) noexcept {
  return attention_prepared_bytes<Float32Avx2>(frames, head_dim);
}
std::size_t self_attention_f32_scratch_avx2(std::size_t head_dim) noexcept {
  return attention_scratch_bytes<Float32Avx2>(head_dim);
}
void self_attention_f32_prepare_avx2(const AttentionKeys& keys, std::byte* prepared) noexcept {
  attention_prepare<Float32Avx2>(keys, prepared);
}
void self_attention_f32_avx2(const AttentionQueries& queries) noexcept { attention_run<Float32Avx2>(queries); }
void cached_attention_f32_avx2(const CachedAttentionTask& task) noexcept { cached_attention_run<Float32Avx2>(task); }

std::size_t self_attention_bf16_prepared_avx2(std::size_t frames, std::size_t head_dim) noexcept {
  return attention_prepared_bytes<BFloat16Avx2>(frames, head_dim);
}
std::size_t self_attention_bf16_scratch_avx2(std::size_t head_dim) noexcept {
  return attention_scratch_bytes<BFloat16Avx2>(head_dim);
}
void self_attention_bf16_prepare_avx2(const AttentionKeys& keys, std::byte* prepared) noexcept {
  attention_prepare<BFloat16Avx2>(keys, prepared);
}
void self_attention_bf16_avx2(const AttentionQueries& queries) noexcept { attention_run<BFloat16Avx2>(queries); }
void cached_attention_bf16_avx2(const CachedAttentionTask& task) noexcept { cached_attention_run<BFloat16Avx2>(task); }

std::size_t self_attention_int8_prepared_avx2(std::size_t frames, std::size_t head_dim) noexcept {
  return byte_attention_prepared_bytes<BytesAvx2>(frames, head_dim);
}
std::size_t self_attention_int8_scratch_avx2(std::size_t head_dim) noexcept {
  return byte_attention_scratch_bytes<BytesAvx2>(head_dim);
}
void self_attention_int8_prepare_avx2(const AttentionKeys& keys, std::byte* prepared) noexcept {
  byte_attention_prepare<BytesAvx2>(keys, prepared);
}
void self_attention_int8_avx2(const AttentionQueries& queries) noexcept { byte_attention_run<BytesAvx2>(queries); }
void cached_attention_int8_avx2(const CachedAttentionTask& task) noexcept {
  cached_byte_attention_run<BytesAvx2>(task);
}
void store_cache_groups_avx2(const CacheGroups& groups) noexcept { store_cache_groups<BytesAvx2>(groups); }

}  // namespace amanuensis::kernels
