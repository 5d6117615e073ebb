// Writes float32 values in the types checkpoints store them in: the inverse of model/checkpoint/tensor.h, for tests.
// The quantised types use the plainest rule (the scale that fits the largest magnitude), not ggml's exact choice.
// Header only.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

#include "model/checkpoint/tensor.h"

namespace amanuensis::test {

template <typename T>
void append_raw(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

// Round to nearest, ties to even, by the definition of binary16.
inline std::uint16_t to_half(float value) {
  const auto sign = static_cast<std::uint16_t>(std::signbit(value) ? 0x8000 : 0);
  const double magnitude = std::fabs(static_cast<double>(value));
  if (std::isnan(value)) return static_cast<std::uint16_t>(sign | 0x7e00);
  if (magnitude >= 65520.0) return static_cast<std::uint16_t>(sign | 0x7c00);
  if (magnitude < std::ldexp(1.0, -14)) {
    return static_cast<std::uint16_t>(sign | static_cast<std::uint16_t>(std::nearbyint(std::ldexp(magnitude, 24))));
  }
  int exponent = 0;
  const double fraction = std::frexp(magnitude, &exponent);                          // in [0.5, 1)
  const auto mantissa = static_cast<int>(std::nearbyint(std::ldexp(fraction, 11)));  // a carry moves into the exponent
  return static_cast<std::uint16_t>(sign | (((exponent + 14) << 10) + mantissa - 1024));
}

inline std::uint16_t to_bfloat16(float value) {
  std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  bits += 0x7fff + ((bits >> 16) & 1);
  return static_cast<std::uint16_t>(bits >> 16);
}

namespace internal {

inline int clamp_round(float value, int low, int high) {
  return std::clamp(static_cast<int>(std::nearbyint(value)), low, high);
}

inline void append_q8_0(std::string& out, std::span<const float> x) {
  float largest = 0;
  for (const float v : x) largest = std::max(largest, std::fabs(v));
  const float scale = largest / 127;
  append_raw(out, to_half(scale));
  for (const float v : x) append_raw(out, static_cast<std::int8_t>(scale == 0 ? 0 : clamp_round(v / scale, -127, 127)));
}

// q4 and q5, with an offset of half the range (minimum false) or a stored minimum.
inline void append_small_block(std::string& out, std::span<const float> x, int bits, bool with_minimum) {
  const int levels = 1 << bits;
  const int middle = levels / 2;
  const auto [low, high] = std::ranges::minmax(x);
  const float largest = std::max(std::fabs(low), std::fabs(high));
  const float scale =
      with_minimum ? (high - low) / static_cast<float>(levels - 1) : largest / static_cast<float>(middle - 1);
  append_raw(out, to_half(scale));
  if (with_minimum) append_raw(out, to_half(low));
  int q[32];
  std::uint32_t fifth = 0;
  for (int i = 0; i < 32; ++i) {
    const float shifted = scale == 0
                              ? 0
                              : (with_minimum ? (x[static_cast<std::size_t>(i)] - low) / scale
                                              : x[static_cast<std::size_t>(i)] / scale + static_cast<float>(middle));
    q[i] = clamp_round(shifted, 0, levels - 1);
    fifth |= static_cast<std::uint32_t>(q[i] >> 4) << i;
  }
  if (bits == 5) append_raw(out, fifth);
  for (int i = 0; i < 16; ++i) append_raw(out, static_cast<std::uint8_t>((q[i] & 15) | (q[i + 16] & 15) << 4));
}

}  // namespace internal

// The bytes of `values` in `type`; their number must be a multiple of the type's block.
inline std::string encode_values(model::StorageType type, std::span<const float> values) {
  using model::StorageType;
  std::string out;
  out.reserve(model::storage_bytes(type, values.size()));
  const std::size_t block = model::block_values(type);
  for (std::size_t i = 0; i + block <= values.size(); i += block) {
    const std::span<const float> x = values.subspan(i, block);
    switch (type) {
      case StorageType::kF32:
        append_raw(out, x[0]);
        break;
      case StorageType::kF16:
        append_raw(out, to_half(x[0]));
        break;
      case StorageType::kBF16:
        append_raw(out, to_bfloat16(x[0]));
        break;
      case StorageType::kQ4_0:
        internal::append_small_block(out, x, 4, false);
        break;
      case StorageType::kQ4_1:
        internal::append_small_block(out, x, 4, true);
        break;
      case StorageType::kQ5_0:
        internal::append_small_block(out, x, 5, false);
        break;
      case StorageType::kQ5_1:
        internal::append_small_block(out, x, 5, true);
        break;
      case StorageType::kQ8_0:
        internal::append_q8_0(out, x);
        break;
    }
  }
  return out;
}

}  // namespace amanuensis::test
