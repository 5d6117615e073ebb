// Attention of a few query rows of one head over keys and values kept from earlier steps:
//   out[i] = softmax(q[i] k^T / sqrt(head_dim)) v  over the first `visible + (causal ? i : 0)` rows of the cache
//
// A cache holds float32, bfloat16 or int8 values in units of four bytes, of one, two or four neighbouring values each
// (of a key's dimensions, of a dimension's rows), which is what one multiply instruction takes. One head has
//   keys    [capacity / kKeyBlock][head_dim / values][kKeyBlock] units: transposed, so that one query streams them with
//                                                                unit stride and needs no horizontal sums
//   values  [capacity / values][head_dim] units
//   steps   int8 alone: one float32 for each key, then one for each row of values
// rounded up to whole units, blocks and cache lines. The layout is the same for all variants of a type. What lies past
// the last row written must be finite (caches start as zeros). With bfloat16 caches, queries and weights are rounded to
// bfloat16 too; with int8 ones queries to bytes and weights, times the values' steps, to 14 bits. Sums of bytes are
// exact; other sums and the softmax are float32. Pure functions: no allocation, no exceptions; caches and scratch are
// aligned to 64 bytes, rows to nothing.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/attention/self_attention.h"
#include "kernels/isa.h"

namespace amanuensis::kernels {

inline constexpr std::size_t kKeyBlock = 32;

// Rows of queries that a variant may take at once, so that what several rows of one task see is read once for them all:
// as many as a usual beam has.
inline constexpr std::size_t kCachedRowsAtOnce = 5;

// Where the elements (float, the sixteen bits of a bfloat16, or a signed byte) of one head's keys and values lie.
class CacheLayout {
 public:
  constexpr CacheLayout(AttentionType type, std::size_t capacity, std::size_t head_dim)
      : values_per_unit_(values_per_unit(type)), capacity_(capacity), head_dim_(head_dim) {}

  constexpr std::size_t element_bytes() const { return 4 / values_per_unit_; }
  // Elements that the first `rows` rows of keys take.
  constexpr std::size_t key_elements(std::size_t rows) const {
    return round_up(rows, kKeyBlock) * key_units() * values_per_unit_;
  }
  constexpr std::size_t value_elements(std::size_t rows) const { return round_up(rows, values_per_unit_) * head_dim_; }
  constexpr std::size_t key_index(std::size_t row, std::size_t dim) const {
    const std::size_t unit = (row / kKeyBlock * key_units() + dim / values_per_unit_) * kKeyBlock + row % kKeyBlock;
    return unit * values_per_unit_ + dim % values_per_unit_;
  }
  constexpr std::size_t value_index(std::size_t row, std::size_t dim) const {
    return (row / values_per_unit_ * head_dim_ + dim) * values_per_unit_ + row % values_per_unit_;
  }

  // Where the parts of a head begin, in bytes; keys begin it.
  constexpr std::size_t values_offset() const { return key_elements(capacity_) * element_bytes(); }
  constexpr std::size_t key_steps_offset() const {
    return values_offset() + round_up(value_elements(capacity_) * element_bytes(), 64);
  }
  constexpr std::size_t value_steps_offset() const { return key_steps_offset() + steps_bytes(); }
  constexpr std::size_t head_bytes() const { return key_steps_offset() + 2 * steps_bytes(); }
  constexpr std::size_t head_elements() const { return head_bytes() / element_bytes(); }
  constexpr std::size_t capacity() const { return capacity_; }
  constexpr std::size_t head_dim() const { return head_dim_; }
  constexpr bool has_steps() const { return values_per_unit_ == 4; }

 private:
  static constexpr std::size_t values_per_unit(AttentionType type) {
    return type == AttentionType::kInt8 ? 4 : type == AttentionType::kBFloat16 ? 2 : 1;
  }
  static constexpr std::size_t round_up(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }
  constexpr std::size_t key_units() const { return (head_dim_ + values_per_unit_ - 1) / values_per_unit_; }
  constexpr std::size_t steps_bytes() const { return has_steps() ? round_up(capacity_, kKeyBlock) * sizeof(float) : 0; }

  std::size_t values_per_unit_;
  std::size_t capacity_;
  std::size_t head_dim_;
};

struct CachedAttentionTask {
  const void* keys = nullptr;
  const void* values = nullptr;
  const float* key_steps = nullptr;    // of int8 caches
  const float* value_steps = nullptr;  // of int8 caches
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

// Floats of scratch for tasks whose rows see at most `keys` cached rows: scores, weights and a query for each row that
// is taken at once.
constexpr std::size_t cached_attention_scratch(std::size_t keys, std::size_t head_dim) {
  return kCachedRowsAtOnce * (2 * ((keys + kKeyBlock - 1) / kKeyBlock * kKeyBlock) + (head_dim + 63) / 64 * 64);
}

struct CachedAttentionVariant {
  Isa isa;
  AttentionType type;  // of the cache
  void (*run)(const CachedAttentionTask& task) noexcept;
};

// Best first within each type; the scalar references are last and always run.
std::span<const CachedAttentionVariant> cached_attention_variants();

}  // namespace amanuensis::kernels
