// The entry points of the attention variants, one set per ISA file. For the lists alone.
#pragma once

#include <cstddef>

#include "kernels/attention/cache_rows.h"
#include "kernels/attention/cached_attention.h"
#include "kernels/attention/self_attention.h"

namespace amanuensis::kernels {

inline constexpr std::size_t kScalarQueryBlock = 16;

std::size_t self_attention_f32_prepared_scalar(std::size_t frames, std::size_t head_dim) noexcept;
std::size_t self_attention_f32_scratch_scalar(std::size_t head_dim) noexcept;
void self_attention_f32_prepare_scalar(const AttentionKeys& keys, std::byte* prepared) noexcept;
void self_attention_f32_scalar(const AttentionQueries& queries) noexcept;
void cached_attention_f32_scalar(const CachedAttentionTask& task) noexcept;
std::size_t self_attention_bf16_prepared_scalar(std::size_t frames, std::size_t head_dim) noexcept;
std::size_t self_attention_bf16_scratch_scalar(std::size_t head_dim) noexcept;
void self_attention_bf16_prepare_scalar(const AttentionKeys& keys, std::byte* prepared) noexcept;
void self_attention_bf16_scalar(const AttentionQueries& queries) noexcept;
void cached_attention_bf16_scalar(const CachedAttentionTask& task) noexcept;
std::size_t self_attention_int8_prepared_scalar(std::size_t frames, std::size_t head_dim) noexcept;
std::size_t self_attention_int8_scratch_scalar(std::size_t head_dim) noexcept;
void self_attention_int8_prepare_scalar(const AttentionKeys& keys, std::byte* prepared) noexcept;
void self_attention_int8_scalar(const AttentionQueries& queries) noexcept;
void cached_attention_int8_scalar(const CachedAttentionTask& task) noexcept;
void store_cache_groups_scalar(const CacheGroups& groups) noexcept;

std::size_t self_attention_f32_prepared_avx2(std::size_t frames, std::size_t head_dim) noexcept;
std::size_t self_attention_f32_scratch_avx2(std::size_t head_dim) noexcept;
void self_attention_f32_prepare_avx2(const AttentionKeys& keys, std::byte* prepared) noexcept;
void self_attention_f32_avx2(const AttentionQueries& queries) noexcept;
void cached_attention_f32_avx2(const CachedAttentionTask& task) noexcept;
std::size_t self_attention_bf16_prepared_avx2(std::size_t frames, std::size_t head_dim) noexcept;
std::size_t self_attention_bf16_scratch_avx2(std::size_t head_dim) noexcept;
void self_attention_bf16_prepare_avx2(const AttentionKeys& keys, std::byte* prepared) noexcept;
void self_attention_bf16_avx2(const AttentionQueries& queries) noexcept;
void cached_attention_bf16_avx2(const CachedAttentionTask& task) noexcept;
std::size_t self_attention_int8_prepared_avx2(std::size_t frames, std::size_t head_dim) noexcept;
std::size_t self_attention_int8_scratch_avx2(std::size_t head_dim) noexcept;
void self_attention_int8_prepare_avx2(const AttentionKeys& keys, std::byte* prepared) noexcept;
void self_attention_int8_avx2(const AttentionQueries& queries) noexcept;
void cached_attention_int8_avx2(const CachedAttentionTask& task) noexcept;
void store_cache_groups_avx2(const CacheGroups& groups) noexcept;

std::size_t self_attention_f32_prepared_avx512f(std::size_t frames, std::size_t head_dim) noexcept;
std::size_t self_attention_f32_scratch_avx512f(std::size_t head_dim) noexcept;
void self_attention_f32_prepare_avx512f(const AttentionKeys& keys, std::byte* prepared) noexcept;
void self_attention_f32_avx512f(const AttentionQueries& queries) noexcept;
void cached_attention_f32_avx512f(const CachedAttentionTask& task) noexcept;
std::size_t self_attention_bf16_prepared_avx512(std::size_t frames, std::size_t head_dim) noexcept;
std::size_t self_attention_bf16_scratch_avx512(std::size_t head_dim) noexcept;
void self_attention_bf16_prepare_avx512(const AttentionKeys& keys, std::byte* prepared) noexcept;
void self_attention_bf16_avx512(const AttentionQueries& queries) noexcept;
void cached_attention_bf16_avx512(const CachedAttentionTask& task) noexcept;
std::size_t self_attention_int8_prepared_avx512_vnni(std::size_t frames, std::size_t head_dim) noexcept;
std::size_t self_attention_int8_scratch_avx512_vnni(std::size_t head_dim) noexcept;
void self_attention_int8_prepare_avx512_vnni(const AttentionKeys& keys, std::byte* prepared) noexcept;
void self_attention_int8_avx512_vnni(const AttentionQueries& queries) noexcept;
void cached_attention_int8_avx512_vnni(const CachedAttentionTask& task) noexcept;
void store_cache_groups_avx512_vnni(const CacheGroups& groups) noexcept;

std::size_t self_attention_f32_prepared_neon(std::size_t frames, std::size_t head_dim) noexcept;
std::size_t self_attention_f32_scratch_neon(std::size_t head_dim) noexcept;
void self_attention_f32_prepare_neon(const AttentionKeys& keys, std::byte* prepared) noexcept;
void self_attention_f32_neon(const AttentionQueries& queries) noexcept;
void cached_attention_f32_neon(const CachedAttentionTask& task) noexcept;
std::size_t self_attention_bf16_prepared_neon(std::size_t frames, std::size_t head_dim) noexcept;
std::size_t self_attention_bf16_scratch_neon(std::size_t head_dim) noexcept;
void self_attention_bf16_prepare_neon(const AttentionKeys& keys, std::byte* prepared) noexcept;
void self_attention_bf16_neon(const AttentionQueries& queries) noexcept;
void cached_attention_bf16_neon(const CachedAttentionTask& task) noexcept;

std::size_t self_attention_bf16_prepared_neon_bf16(std::size_t frames, std::size_t head_dim) noexcept;
std::size_t self_attention_bf16_scratch_neon_bf16(std::size_t head_dim) noexcept;
void self_attention_bf16_prepare_neon_bf16(const AttentionKeys& keys, std::byte* prepared) noexcept;
void self_attention_bf16_neon_bf16(const AttentionQueries& queries) noexcept;
void cached_attention_bf16_neon_bf16(const CachedAttentionTask& task) noexcept;
std::size_t self_attention_int8_prepared_neon(std::size_t frames, std::size_t head_dim) noexcept;
std::size_t self_attention_int8_scratch_neon(std::size_t head_dim) noexcept;
void self_attention_int8_prepare_neon(const AttentionKeys& keys, std::byte* prepared) noexcept;
void self_attention_int8_neon(const AttentionQueries& queries) noexcept;
void cached_attention_int8_neon(const CachedAttentionTask& task) noexcept;

std::size_t self_attention_int8_prepared_neon_dotprod(std::size_t frames, std::size_t head_dim) noexcept;
std::size_t self_attention_int8_scratch_neon_dotprod(std::size_t head_dim) noexcept;
void self_attention_int8_prepare_neon_dotprod(const AttentionKeys& keys, std::byte* prepared) noexcept;
void self_attention_int8_neon_dotprod(const AttentionQueries& queries) noexcept;
void cached_attention_int8_neon_dotprod(const CachedAttentionTask& task) noexcept;

}  // namespace amanuensis::kernels
