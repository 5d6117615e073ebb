#include "kernels/attention/cache_rows.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstdint>

#include "kernels/attention/attention_impl.h"
#include "kernels/bfloat16.h"

namespace amanuensis::kernels {
namespace {

constexpr float kByteLimit = 127.0f;

void convert(float value, float& to) { to = value; }
void convert(float value, std::uint16_t& to) { to = bfloat16_from_float(value); }

// One row, whose keys and values are spread over the layout with strides that do not change along it. `kValues` values
// make a unit.
template <typename T, std::size_t kValues>
void store_row(const CacheLayout& layout, T* keys, T* values, std::size_t row, const float* k, const float* v) {
  const std::size_t dim = layout.head_dim();
  T* key = keys + layout.key_index(row, 0);
  std::size_t d = 0;
  for (; d + kValues <= dim; d += kValues, key += kKeyBlock * kValues) {
    for (std::size_t i = 0; i < kValues; ++i) convert(k[d + i], key[i]);
  }
  for (std::size_t i = 0; d + i < dim; ++i) convert(k[d + i], key[i]);
  T* value = values + layout.value_index(row, 0);
  for (d = 0; d < dim; ++d, value += kValues) convert(v[d], *value);
}

template <typename T>
void store_rows(const CacheLayout& layout, std::byte* head, std::size_t first, TensorView<const float> k,
                TensorView<const float> v) {
  auto* keys = reinterpret_cast<T*>(head);
  auto* values = reinterpret_cast<T*>(head + layout.values_offset());
  for (std::size_t i = 0; i < k.rows(); ++i) {
    store_row<T, 4 / sizeof(T)>(layout, keys, values, first + i, k.row(i).data(), v.row(i).data());
  }
}

struct Steps {
  float step;
  float inverse;
};

Steps steps_of(const float* x, std::size_t n) {
  float largest = 0;
  for (std::size_t i = 0; i < n; ++i) largest = std::max(largest, std::abs(x[i]));
  const float step = largest / kByteLimit;
  return {step, step > 0 ? 1.0f / step : 0.0f};
}

std::uint32_t byte_of(float scaled) {
  // Rounds to nearest as float32 addition does: the whole number is left in the lowest bits.
  constexpr float kMagic = 12582912.0f;  // 1.5 * 2^23
  return std::bit_cast<std::uint32_t>(scaled + kMagic) & 0xffU;
}

void store_int8_row(const CacheGroups& head, std::size_t row, const float* k, const float* v) {
  const CacheLayout layout(AttentionType::kInt8, row + 1, head.head_dim);
  const Steps key = steps_of(k, head.head_dim);
  head.key_steps[row] = key.step;
  auto* to = reinterpret_cast<std::uint8_t*>(head.keys) + layout.key_index(row, 0);
  for (std::size_t d = 0; d < head.head_dim; ++d) {
    to[d / 4 * (4 * kKeyBlock) + d % 4] = static_cast<std::uint8_t>(byte_of(k[d] * key.inverse));
  }
  const Steps value = steps_of(v, head.head_dim);
  head.value_steps[row] = value.step;
  to = reinterpret_cast<std::uint8_t*>(head.values) + layout.value_index(row, 0);
  for (std::size_t d = 0; d < head.head_dim; ++d) {
    to[4 * d] = static_cast<std::uint8_t>(byte_of(v[d] * value.inverse));
  }
}

void store_int8_rows(const CacheLayout& layout, std::byte* head, std::size_t first, TensorView<const float> k,
                     TensorView<const float> v, const CacheGroupsVariant* variant) {
  CacheGroups groups = {.keys = head,
                        .values = head + layout.values_offset(),
                        .key_steps = reinterpret_cast<float*>(head + layout.key_steps_offset()),
                        .value_steps = reinterpret_cast<float*>(head + layout.value_steps_offset()),
                        .head_dim = layout.head_dim(),
                        .k_stride = k.stride(),
                        .v_stride = v.stride()};
  for (std::size_t i = 0; i < k.rows();) {
    const std::size_t whole = (k.rows() - i) / kCacheGroup * kCacheGroup;
    if (variant != nullptr && whole > 0 && (first + i) % kCacheGroup == 0) {
      groups.first = first + i;
      groups.rows = whole;
      groups.k = k.row(i).data();
      groups.v = v.row(i).data();
      variant->store(groups);
      i += whole;
    } else {
      store_int8_row(groups, first + i, k.row(i).data(), v.row(i).data());
      ++i;
    }
  }
}

}  // namespace

void store_cache_groups_scalar(const CacheGroups& groups) noexcept {
  for (std::size_t i = 0; i < groups.rows; ++i) {
    store_int8_row(groups, groups.first + i, groups.k + i * groups.k_stride, groups.v + i * groups.v_stride);
  }
}

std::span<const CacheGroupsVariant> cache_groups_variants() {
  static constexpr CacheGroupsVariant kVariants[] = {
#if defined(__x86_64__)
    {Isa::kAvx512Vnni, store_cache_groups_avx512_vnni},
    {Isa::kAvx2, store_cache_groups_avx2},
#endif
    {Isa::kScalar, store_cache_groups_scalar},
  };
  return kVariants;
}

void store_cache_rows(AttentionType type, const CacheLayout& layout, std::byte* head, std::size_t first,
                      TensorView<const float> k, TensorView<const float> v, const CacheGroupsVariant* groups) {
  assert(k.cols() == layout.head_dim() && v.cols() == k.cols() && v.rows() == k.rows());
  assert(first + k.rows() <= layout.capacity());
  switch (type) {
    case AttentionType::kFloat32:
      store_rows<float>(layout, head, first, k, v);
      break;
    case AttentionType::kBFloat16:
      store_rows<std::uint16_t>(layout, head, first, k, v);
      break;
    case AttentionType::kInt8:
      store_int8_rows(layout, head, first, k, v, groups);
      break;
  }
}

void copy_cache_rows(const CacheLayout& to_layout, std::byte* to, const CacheLayout& from_layout, const std::byte* from,
                     std::size_t rows) {
  assert(to_layout.element_bytes() == from_layout.element_bytes() && to_layout.head_dim() == from_layout.head_dim());
  assert(rows <= to_layout.capacity() && rows <= from_layout.capacity());
  std::copy_n(from, to_layout.key_elements(rows) * to_layout.element_bytes(), to);
  std::copy_n(from + from_layout.values_offset(), to_layout.value_elements(rows) * to_layout.element_bytes(),
              to + to_layout.values_offset());
  if (!to_layout.has_steps()) return;
  const std::size_t bytes = rows * sizeof(float);
  std::copy_n(from + from_layout.key_steps_offset(), bytes, to + to_layout.key_steps_offset());
  std::copy_n(from + from_layout.value_steps_offset(), bytes, to + to_layout.value_steps_offset());
}

void unpack_int8_keys(const CacheLayout& layout, const std::byte* head, std::size_t rows, float* to) {
  const std::size_t dim = layout.head_dim();
  const auto* steps = reinterpret_cast<const float*>(head + layout.key_steps_offset());
  for (std::size_t first = 0; first < rows; first += kKeyBlock, to += dim * kKeyBlock) {
    // Zeros for the rows past the last.
    float block_steps[kKeyBlock] = {};
    std::copy_n(steps + first, std::min(kKeyBlock, rows - first), block_steps);
    for (std::size_t d = 0; d < dim; ++d) {
      const auto* units = reinterpret_cast<const std::uint32_t*>(head + layout.key_index(first, d / 4 * 4));
      const unsigned above = 24 - 8 * static_cast<unsigned>(d % 4);
      for (std::size_t row = 0; row < kKeyBlock; ++row) {
        const std::int32_t value = static_cast<std::int32_t>(units[row] << above) >> 24;
        to[d * kKeyBlock + row] = static_cast<float>(value) * block_steps[row];
      }
    }
  }
}

}  // namespace amanuensis::kernels
