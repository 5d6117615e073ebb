// What one head's queries look at: the weights that attention gives to cached keys (cached_attention.h), written out.
//   map[i][j] = softmax over j < visible of q[i] k[j]^T / sqrt(head_dim)
// Word times are read from it. With bfloat16 caches queries are rounded to bfloat16 too; sums and softmax are float32.
// Pure functions: no allocation, no exceptions; keys and scratch are aligned to 64 bytes, rows to nothing.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/attention/cached_attention.h"
#include "kernels/isa.h"

namespace amanuensis::kernels {

struct AttentionMapTask {
  const void* keys = nullptr;  // of one head, in CacheLayout's order
  std::size_t head_dim = 0;
  const float* q = nullptr;  // [rows, head_dim], not yet scaled
  std::size_t q_stride = 0;
  std::size_t rows = 0;
  std::size_t visible = 0;
  float* map = nullptr;  // [rows, visible]
  std::size_t map_stride = 0;
  float* scratch = nullptr;  // cached_attention_scratch(visible, head_dim) floats
};

struct AttentionMapVariant {
  Isa isa;
  AttentionType type;  // of the cache
  void (*run)(const AttentionMapTask& task) noexcept;
};

// Best first within each type; the scalar references are last and always run.
std::span<const AttentionMapVariant> attention_map_variants();

}  // namespace amanuensis::kernels
