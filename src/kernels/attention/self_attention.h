// Bidirectional attention of one head over one window, softmax(q k^T / sqrt(head_dim)) v, in blocks of queries and keys
// with a running maximum and sum, so that the score matrix never exists (Milakov & Gimelshein 2018, arXiv 1805.02867;
// Dao et al. 2022, arXiv 2205.14135).
//
// Two steps. `prepare` lays one head's keys and values out as the variant wants them; `run` then computes one block of
// queries, any number of blocks at once from different threads, each with its own scratch.
// Pure functions: no allocation, no exceptions. prepared and scratch are aligned to 64 bytes, rows to nothing.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "kernels/isa.h"

namespace amanuensis::kernels {

// The types in which scores and values are multiplied; the softmax and what is summed over blocks are float32 in all.
// int8: bytes with steps of their own per key, query and dimension (self_attention_int8_simd.h says how).
enum class AttentionType { kFloat32, kBFloat16, kInt8 };

constexpr std::string_view to_string(AttentionType type) {
  switch (type) {
    case AttentionType::kFloat32:
      return "float32";
    case AttentionType::kBFloat16:
      return "bfloat16";
    case AttentionType::kInt8:
      return "int8";
  }
  return "unknown";
}

// Keys and values of one head: [frames, head_dim] each, rows `stride` apart.
struct AttentionKeys {
  const float* k = nullptr;
  std::size_t k_stride = 0;
  const float* v = nullptr;
  std::size_t v_stride = 0;
  std::size_t frames = 0;
  std::size_t head_dim = 0;
};

// One block of queries of one head: q and out [rows, head_dim], rows <= the variant's query_block.
struct AttentionQueries {
  const std::byte* prepared = nullptr;  // from prepare
  std::size_t frames = 0;               // keys
  std::size_t head_dim = 0;
  const float* q = nullptr;
  std::size_t q_stride = 0;
  std::size_t rows = 0;
  float* out = nullptr;
  std::size_t out_stride = 0;
  std::byte* scratch = nullptr;
};

struct SelfAttentionVariant {
  Isa isa;
  AttentionType type;
  std::size_t query_block;
  std::size_t (*prepared_bytes)(std::size_t frames, std::size_t head_dim) noexcept;
  std::size_t (*scratch_bytes)(std::size_t head_dim) noexcept;
  void (*prepare)(const AttentionKeys& keys, std::byte* prepared) noexcept;
  void (*run)(const AttentionQueries& queries) noexcept;
};

// Best first within each type; the scalar references are last and always run.
std::span<const SelfAttentionVariant> self_attention_variants();

}  // namespace amanuensis::kernels
