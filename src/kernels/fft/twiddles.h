// Roots of unity as compile-time tables. Values are within half a unit in the last place of a float. Immutable.
#pragma once

#include <cstddef>
#include <numbers>

namespace amanuensis::kernels {

// cosine and sine of -2 pi k / n: the root exp(-2 pi i k / n).
struct Root {
  float re, im;
};

// Taylor series about zero, after folding the angle into [-pi / 4, pi / 4]; the error is below 1e-16.
constexpr double taylor_sine(double x) {
  double term = x;
  double sum = x;
  for (int n = 1; n < 12; ++n) sum += term *= -x * x / ((2 * n) * (2 * n + 1));
  return sum;
}
constexpr double taylor_cosine(double x) {
  double term = 1;
  double sum = 1;
  for (int n = 1; n < 12; ++n) sum += term *= -x * x / ((2 * n - 1) * (2 * n));
  return sum;
}

constexpr Root root_of_unity(std::size_t k, std::size_t n) {
  const std::size_t eighths = (8 * (k % n) + n / 2) / n;  // the nearest multiple of an eighth of a turn ...
  const auto offset = static_cast<double>(8 * (k % n)) / static_cast<double>(n) - static_cast<double>(eighths);
  const double c = taylor_cosine(offset * std::numbers::pi / 4);  // ... and the small angle from it
  const double s = taylor_sine(offset * std::numbers::pi / 4);
  constexpr double h = std::numbers::sqrt2 / 2;
  constexpr double kCosine[8] = {1, h, 0, -h, -1, -h, 0, h};
  const double base_c = kCosine[eighths % 8];
  const double base_s = kCosine[(eighths + 6) % 8];
  return {static_cast<float>(base_c * c - base_s * s), static_cast<float>(-(base_s * c + base_c * s))};
}

// A plain array, so that reading it calls no library function: an ISA file must not emit a copy of one.
template <std::size_t count>
struct RootTable {
  Root at[count];
};

// Root k of n, for k in [0, count).
template <std::size_t count>
constexpr RootTable<count> roots_of_unity(std::size_t n) {
  RootTable<count> roots = {};
  for (std::size_t k = 0; k < count; ++k) roots.at[k] = root_of_unity(k, n);
  return roots;
}

}  // namespace amanuensis::kernels
