// The vector form of mel.h, written once. Each ISA file includes this and instantiates log_mel_bands_of<Lanes>, where
// Lanes says what a vector of frames is:
//   V, kWidth                       the type, with + - * /, and how many floats it has
//   splat(x), load(p), fma(a, b, c) = a * b + c, max(a, b), largest(v)
//   store_first(p, v, n)            writes n <= kWidth floats
//   first_or(v, n, other)           v in the first n lanes, other in the rest
//   split(v, exponent, mantissa)    v = mantissa * 2^exponent, mantissa in [1, 2), for normal positive v
//   halve_if_above(limit, exponent, mantissa)   moves mantissas above the limit one octave down
// Everything here has internal linkage: what two ISA files instantiate must never be merged by the linker.
#pragma once

#include <cstddef>

#include "kernels/mel/mel.h"

namespace amanuensis::kernels {
namespace {  // NOLINT(google-build-namespaces): see above

constexpr float kLog10Of2 = 0.30102999566398120F;
constexpr float kLog10OfE = 0.43429448190325183F;
constexpr float kSqrt2 = 1.41421356237309505F;

// log10 of normal positive numbers. With m in [sqrt(1/2), sqrt(2)) and s = (m - 1) / (m + 1), |s| <= 0.172, the series
// ln m = 2 (s + s^3 / 3 + s^5 / 5 + ...) is below 4e-9 after the term in s^9.
template <typename Lanes>
typename Lanes::V log10_of(typename Lanes::V x) {
  using V = typename Lanes::V;
  const V one = Lanes::splat(1.0F);
  V exponent;
  V mantissa;
  Lanes::split(x, exponent, mantissa);
  Lanes::halve_if_above(kSqrt2, exponent, mantissa);
  const V s = (mantissa - one) / (mantissa + one);
  const V square = s * s;
  V series = Lanes::splat(1.0F / 9);
  series = Lanes::fma(series, square, Lanes::splat(1.0F / 7));
  series = Lanes::fma(series, square, Lanes::splat(1.0F / 5));
  series = Lanes::fma(series, square, Lanes::splat(1.0F / 3));
  series = Lanes::fma(series, square, one);
  return Lanes::fma(exponent, Lanes::splat(kLog10Of2), series * s * Lanes::splat(2 * kLog10OfE));
}

template <typename Lanes>
float log_mel_bands_of(const float* power, const MelBands& bands, std::size_t frames, float* out,
                       std::size_t out_stride) noexcept {
  using V = typename Lanes::V;
  const V floor = Lanes::splat(kMelPowerFloor);
  V largest = Lanes::splat(-__builtin_inff());
  for (std::size_t b = 0; b < bands.count; ++b) {
    const MelBand& band = bands.bands[b];
    const float* weights = bands.weights + band.first_weight;
    for (std::size_t lane = 0; lane < frames; lane += Lanes::kWidth) {
      const float* column = power + band.first_bin * kMelFrameLanes + lane;
      V sum = Lanes::splat(0.0F);
      for (std::size_t j = 0; j < band.bins; ++j) {
        sum = Lanes::fma(Lanes::load(column + j * kMelFrameLanes), Lanes::splat(weights[j]), sum);
      }
      const V value = log10_of<Lanes>(Lanes::max(sum, floor));
      const std::size_t rest = frames - lane;
      const std::size_t count = rest < Lanes::kWidth ? rest : Lanes::kWidth;
      Lanes::store_first(out + b * out_stride + lane, value, count);
      largest = Lanes::max(largest, Lanes::first_or(value, count, largest));
    }
  }
  return Lanes::largest(largest);
}

}  // namespace
}  // namespace amanuensis::kernels
