// bfloat16 as its sixteen bits: the upper half of a float32. Value functions, usable anywhere.
#pragma once

#include <bit>
#include <cstdint>

namespace amanuensis::kernels {

// Rounds to nearest, ties to even; NaN stays NaN.
constexpr std::uint16_t bfloat16_from_float(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffU) > 0x7f800000U) return static_cast<std::uint16_t>((bits >> 16) | 0x40U);
  return static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}

constexpr float float_from_bfloat16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

}  // namespace amanuensis::kernels
