// Attention of a few query rows of one head over keys and values kept from earlier steps:
//   out[i] = softmax(q[i] k^T / sqrt(head_dim)) v  over the first `visible + (causal ? i : 0)` rows of the cache
//
// The layout of a cache is the same for all variants. One head has, in its cache's type T:
//   keys    [ceil(capacity / kKeyBlock)][head_dim][kKeyBlock]   transposed, so that one query streams them with unit
//                                                               stride and needs no horizontal sums
//   values  [capacity][head_dim]
// Keys past the last row written must be finite (caches start as zeros).
// Pure functions: no allocation, no exceptions; caches and scratch are aligned to 64 bytes, rows to nothing.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/attention/self_attention.h"
#include "kernels/isa.h"

namespace amanuensis::kernels {

inline constexpr std::size_t kKeyBlock = 32;

constexpr std::size_t cached_key_elements(std::size_t capacity, std::size_t head_dim) {
  return (capacity + kKeyBlock - 1) / kKeyBlock * kKeyBlock * head_dim;
}
constexpr std::size_t cached_key_index(std::size_t row, std::size_t dim, std::size_t head_dim) {
  return (row / kKeyBlock * head_dim + dim) * kKeyBlock + row % kKeyBlock;
}

struct CachedAttentionTask {
  const void* keys = nullptr;  // float or bfloat16 bits, as the variant's type says
  const void* values = nullptr;
  std::size_t head_dim = 0;
  const float* q = nullptr;  // [rows, head_dim], not yet scaled
  std::size_t q_stride = 0;
  std::size_t rows = 0;
  std::size_t visible = 0;
  bool causal = false;
  float* out = nullptr;  // [rows, head_dim]; zeros for a row that sees nothing
  std::size_t out_stride = 0;
  float* scratch = nullptr;  // cached_attention_scratch() floats
};

// Floats of scratch for tasks whose rows see at most `keys` cached rows.
constexpr std::size_t cached_attention_scratch(std::size_t keys) {
  return (keys + kKeyBlock - 1) / kKeyBlock * kKeyBlock;
}

struct CachedAttentionVariant {
  Isa isa;
  AttentionType type;  // of the cache
  void (*run)(const CachedAttentionTask& task) noexcept;
};

// Best first within each type; the scalar references are last and always run.
std::span<const CachedAttentionVariant> cached_attention_variants();

}  // namespace amanuensis::kernels
