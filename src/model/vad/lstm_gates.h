// The pointwise half of a long short-term memory cell (Hochreiter & Schmidhuber 1997; Gers et al. 2000, with a forget
// gate), in a form that the compiler turns into vector instructions: no branches, no library calls. Pure functions.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace amanuensis::model {

// e^x within 2e-7 of its value for x in [-87, 87]; beyond that, as far as 2^22, within a factor of 2 of the value at
// the bound.
inline float fast_exp(float x) {
  // e^x = 2^n * e^r with n the nearest whole number to x / ln 2 and |r| <= ln 2 / 2.
  constexpr float kLog2E = 1.44269504F;
  constexpr float kLn2High = 0.693359375F;
  constexpr float kLn2Low = -2.12194440e-4F;
  constexpr float kRounder = 12582912.0F;  // 1.5 * 2^23: adding it leaves no fraction
  const float n = (x * kLog2E + kRounder) - kRounder;
  const float r = (x - n * kLn2High) - n * kLn2Low;
  // Taylor's series: the first term left out, r^7 / 5040, is below 1e-7.
  float p = 1.0F / 720;
  p = p * r + 1.0F / 120;
  p = p * r + 1.0F / 24;
  p = p * r + 1.0F / 6;
  p = p * r + 0.5F;
  p = p * r + 1.0F;
  p = p * r + 1.0F;
  // The bounds are kept among whole numbers: comparing floats is control flow to the compiler, for it may trap.
  const std::int32_t exponent = std::min(std::max(static_cast<std::int32_t>(n), -126), 126);
  return p * std::bit_cast<float>(static_cast<std::uint32_t>(exponent + 127) << 23U);
}

inline float logistic(float x) { return 1.0F / (1.0F + fast_exp(-x)); }

inline float hyperbolic_tangent(float x) { return 2.0F * logistic(2.0F * x) - 1.0F; }

// gates [4 * width]: the sums that reach the input, forget, cell and output gate. Moves cell [width] on and gives
// hidden [width]:  cell = s(f) * cell + s(i) * tanh(g),  hidden = s(o) * tanh(cell).
inline void lstm_gates(const float* __restrict gates, std::size_t width, float* __restrict cell,
                       float* __restrict hidden) {
  for (std::size_t i = 0; i < width; ++i) {
    const float moved =
        logistic(gates[width + i]) * cell[i] + logistic(gates[i]) * hyperbolic_tangent(gates[2 * width + i]);
    cell[i] = moved;
    hidden[i] = logistic(gates[3 * width + i]) * hyperbolic_tangent(moved);
  }
}

}  // namespace amanuensis::model
