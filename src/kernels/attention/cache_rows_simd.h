// Storing whole groups of rows of an int8 cache, over a policy `B` (byte_policies_<isa>.h): a vector of rows at a time,
// rounded, and for the keys turned, so that the cache is written by whole vectors. The same bits as one row at a time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/attention/cache_rows.h"
#include "kernels/simd/vector_math.h"

namespace amanuensis::kernels {

// The step of one row, and its inverse.
template <typename V>
float cache_row_step(const float* x, std::size_t n, float& inverse) {
  const float step = largest_magnitude<V>(x, n) / 127.0f;
  inverse = step > 0.0f ? 1.0f / step : 0.0f;
  return step;
}

// A vector of keys; `to` is the place of the first one's first unit.
template <typename B>
void store_cache_keys(const float* k, std::size_t stride, std::size_t dim, float* steps, std::uint32_t* to) {
  using V = typename B::V;
  constexpr std::size_t kLanes = V::kLanes;
  constexpr std::size_t kChunkValues = kChunkUnits * 4;
  float inverse[kLanes];
  for (std::size_t i = 0; i < kLanes; ++i) steps[i] = cache_row_step<V>(k + i * stride, dim, inverse[i]);
  for (std::size_t d = 0; d < dim; d += kChunkValues) {
    const std::size_t count = dim - d < kChunkValues ? dim - d : kChunkValues;
    alignas(64) std::uint32_t units[kLanes][kChunkUnits];
    for (std::size_t i = 0; i < kLanes; ++i) B::pack_signed(k + i * stride + d, count, inverse[i], units[i]);
    const std::size_t left = (count + 3) / 4;
    for (std::size_t u = 0; u < left; u += kLanes) {
      typename V::F tile[kLanes];  // whose bits are units
      for (std::size_t i = 0; i < kLanes; ++i) tile[i] = V::load(reinterpret_cast<const float*>(units[i] + u));
      V::transpose(tile);
      for (std::size_t i = 0; i < kLanes && u + i < left; ++i, to += kKeyBlock) {
        V::store(reinterpret_cast<float*>(to), tile[i]);
      }
    }
  }
}

// Four rows of values as one row of units.
template <typename B>
void store_cache_values(const float* v, std::size_t stride, std::size_t dim, float* steps, std::uint32_t* to) {
  using V = typename B::V;
  constexpr std::size_t kLanes = V::kLanes;
  float inverse[4];
  for (std::size_t i = 0; i < 4; ++i) steps[i] = cache_row_step<V>(v + i * stride, dim, inverse[i]);
  for (std::size_t d = 0; d < dim; d += kLanes) {
    const std::size_t lanes = dim - d < kLanes ? dim - d : kLanes;
    typename V::F rows[4];
    for (std::size_t i = 0; i < 4; ++i) {
      const float* from = v + i * stride + d;
      rows[i] = V::mul(lanes == kLanes ? V::load(from) : V::load_first(from, lanes), V::set(inverse[i]));
    }
    if (lanes == kLanes) {
      B::store_units(to + d, B::make_units(rows));
    } else {
      std::uint32_t units[kLanes];
      B::store_units(units, B::make_units(rows));
      for (std::size_t i = 0; i < lanes; ++i) to[d + i] = units[i];
    }
  }
}

template <typename B>
void store_cache_groups(const CacheGroups& groups) {
  constexpr std::size_t kLanes = B::V::kLanes;
  static_assert(kCacheGroup % kLanes == 0 && kLanes % 4 == 0);
  const std::size_t key_units = (groups.head_dim + 3) / 4;
  for (std::size_t i = 0; i < groups.rows; i += kLanes) {
    const std::size_t row = groups.first + i;
    auto* keys = reinterpret_cast<std::uint32_t*>(groups.keys) + row / kKeyBlock * key_units * kKeyBlock;
    store_cache_keys<B>(groups.k + i * groups.k_stride, groups.k_stride, groups.head_dim, groups.key_steps + row,
                        keys + row % kKeyBlock);
    for (std::size_t four = 0; four < kLanes; four += 4) {
      auto* values = reinterpret_cast<std::uint32_t*>(groups.values) + (row + four) / 4 * groups.head_dim;
      store_cache_values<B>(groups.v + (i + four) * groups.v_stride, groups.v_stride, groups.head_dim,
                            groups.value_steps + row + four, values);
    }
  }
}

}  // namespace amanuensis::kernels
