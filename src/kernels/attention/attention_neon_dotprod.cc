#include "kernels/attention/attention_impl.h"
#include "kernels/attention/byte_policies_neon.h"
#include "kernels/attention/cached_attention_int8_simd.h"
#include "kernels/attention/self_attention_int8_simd.h"
#include "kernels/gemm/gemm_policies_neon_dotprod.h"

namespace amanuensis::kernels {

std::size_t self_attention_int8_prepared_neon_dotprod(std::size_t frames, std::size_t head_dim) noexcept {
  return byte_attention_prepared_bytes<BytesNeon<Int8NeonDotprod>>(frames, head_dim);
}
std::size_t self_attention_int8_scratch_neon_dotprod(std::size_t head_dim) noexcept {
  return byte_attention_scratch_bytes<BytesNeon<Int8NeonDotprod>>(head_dim);
}
void self_attention_int8_prepare_neon_dotprod(const AttentionKeys& keys, std::byte* prepared) noexcept {
  byte_attention_prepare<BytesNeon<Int8NeonDotprod>>(keys, prepared);
}
void self_attention_int8_neon_dotprod(const AttentionQueries& queries) noexcept {
  byte_attention_run<BytesNeon<Int8NeonDotprod>>(queries);
}
void cached_attention_int8_neon_dotprod(const CachedAttentionTask& task) noexcept {
  cached_byte_attention_run<BytesNeon<Int8NeonDotprod>>(task);
}

}  // namespace amanuensis::kernels
