// Writing and reading back the rows of one head of a key/value cache (cached_attention.h says how it is laid out).
// Pure functions on memory that the caller owns; different heads may be written by different threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/tensor_view.h"
#include "kernels/attention/cached_attention.h"
#include "kernels/isa.h"

namespace amanuensis::kernels {

// Rows of an int8 head that are stored together: their keys are neighbours in the layout.
inline constexpr std::size_t kCacheGroup = 16;

// Whole groups of rows of one int8 head: k and v [rows, head_dim], `first` and `rows` multiples of kCacheGroup.
struct CacheGroups {
  std::byte* keys = nullptr;  // the head's parts, row 0
  std::byte* values = nullptr;
  float* key_steps = nullptr;
  float* value_steps = nullptr;
  std::size_t head_dim = 0;
  std::size_t first = 0;
  std::size_t rows = 0;
  const float* k = nullptr;
  std::size_t k_stride = 0;
  const float* v = nullptr;
  std::size_t v_stride = 0;
};

struct CacheGroupsVariant {
  Isa isa;
  void (*store)(const CacheGroups& groups) noexcept;
};

// Best first; the scalar reference is last and always runs. All give the same bytes and steps.
std::span<const CacheGroupsVariant> cache_groups_variants();

// Stores k and v [n, head_dim] as rows [first, first + n) of a head; the type is the layout's. int8: each row is
// rounded to 127 steps of its own, of its largest value's size; whole groups of rows by `groups`, when given.
void store_cache_rows(AttentionType type, const CacheLayout& layout, std::byte* head, std::size_t first,
                      TensorView<const float> k, TensorView<const float> v, const CacheGroupsVariant* groups = nullptr);

// Copies the first `rows` rows of a head to one of another capacity but the same type and head size. Whole blocks and
// units are copied: what lies past `rows` is finite in both and seen by nobody.
void copy_cache_rows(const CacheLayout& to_layout, std::byte* to, const CacheLayout& from_layout, const std::byte* from,
                     std::size_t rows);

// The first `rows` keys of an int8 head as float32 keys, in that type's layout: key_elements(rows) floats.
void unpack_int8_keys(const CacheLayout& layout, const std::byte* head, std::size_t rows, float* to);

}  // namespace amanuensis::kernels
