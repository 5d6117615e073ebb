#include "kernels/attention/attention_impl.h"
#include "kernels/attention/byte_policies_avx512_vnni.h"
#include "kernels/attention/cache_rows_simd.h"
#include "kernels/attention/cached_attention_int8_simd.h"
#include "kernels/attention/self_attention_int8_simd.h"

namespace amanuensis::kernels {

std::size_t self_attention_int8_prepared_avx512_vnni(std::size_t frames, std::size_t head_dim) noexcept {
  return byte_attention_prepared_bytes<BytesAvx512>(frames, head_dim);
}
std::size_t self_attention_int8_scratch_avx512_vnni(std::size_t head_dim) noexcept {
  return byte_attention_scratch_bytes<BytesAvx512>(head_dim);
}
void self_attention_int8_prepare_avx512_vnni(const AttentionKeys& keys, std::byte* prepared) noexcept {
  byte_attention_prepare<BytesAvx512>(keys, prepared);
}
void self_attention_int8_avx512_vnni(const AttentionQueries& queries) noexcept {
  byte_attention_run<BytesAvx512>(queries);
}
void cached_attention_int8_avx512_vnni(const CachedAttentionTask& task) noexcept {
  cached_byte_attention_run<BytesAvx512>(task);
}
void store_cache_groups_avx512_vnni(const CacheGroups& groups) noexcept { store_cache_groups<BytesAvx512>(groups); }

}  // namespace amanuensis::kernels
