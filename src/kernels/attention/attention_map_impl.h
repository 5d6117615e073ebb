// The entry points of the attention map's variants, one set per ISA file. For attention_map.cc alone.
#pragma once

#include "kernels/attention/attention_map.h"

namespace amanuensis::kernels {

void attention_map_f32_scalar(const AttentionMapTask& task) noexcept;
void attention_map_bf16_scalar(const AttentionMapTask& task) noexcept;
void attention_map_f32_avx2(const AttentionMapTask& task) noexcept;
void attention_map_bf16_avx2(const AttentionMapTask& task) noexcept;
void attention_map_f32_avx512f(const AttentionMapTask& task) noexcept;
void attention_map_bf16_avx512(const AttentionMapTask& task) noexcept;
void attention_map_f32_neon(const AttentionMapTask& task) noexcept;
void attention_map_bf16_neon(const AttentionMapTask& task) noexcept;
void attention_map_bf16_neon_bf16(const AttentionMapTask& task) noexcept;

}  // namespace amanuensis::kernels
