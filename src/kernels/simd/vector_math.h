// exp2 and GELU on vectors of the simd_*.h vocabulary. Templates over a type with internal linkage, hence internal
// themselves. Coefficients are weighted minimax fits made for this file (iteratively reweighted least squares).
#pragma once

#include <cstddef>

namespace amanuensis::kernels {

inline constexpr float kLog2E = 1.44269504088896341f;

// 2^x with a relative error below 2e-7 for x in [-126, 127]; smaller x give 2^-126.
template <typename V>
typename V::F exp2(typename V::F x) {
  x = V::max(x, V::set(-126.0f));
  const typename V::F whole = V::round(x);
  const typename V::F r = V::sub(x, whole);  // exact, in [-1/2, 1/2]
  typename V::F p = V::set(0.000153458118f);
  p = V::fma(p, r, V::set(0.00133999314f));
  p = V::fma(p, r, V::set(0.00961848896f));
  p = V::fma(p, r, V::set(0.0555032878f));
  p = V::fma(p, r, V::set(0.240226469f));
  p = V::fma(p, r, V::set(0.693147206f));
  p = V::fma(p, r, V::set(1.0f));
  return V::scale_by_power(p, whole);
}

// Added to a float32 in [-2^21, 2^21], leaves the nearest whole number in the lower bits of the sum.
inline constexpr float kRoundingMagic = 12582912.0f;  // 1.5 * 2^23

// 2^x with a relative error below 8e-5 for x in [-64, 64], for what is rounded to a byte next; smaller x give 2^-64.
template <typename V>
typename V::F exp2_rough(typename V::F x) {
  const typename V::F magic = V::set(kRoundingMagic);
  x = V::max(x, V::set(-64.0f));
  const typename V::F shifted = V::add(x, magic);
  const typename V::F r = V::sub(x, V::sub(shifted, magic));  // exact, in [-1/2, 1/2]
  typename V::F p = V::set(0.0551716668f);
  p = V::fma(p, r, V::set(0.242611135f));
  p = V::fma(p, r, V::set(0.693260987f));
  p = V::fma(p, r, V::set(0.999928073f));
  return V::add_exponent(p, shifted);
}

// x / 2 * (1 + erf(x / sqrt(2))) with an absolute error below 2e-7 and no cancellation for negative x:
// erfc(t) = 2^-Q(t), where -log2(erfc(t)) is smooth enough for one polynomial on [0, 4.3]; beyond, where
// x * erfc(t) < 1e-8, the exponent is only made to grow.
template <typename V>
typename V::F gelu(typename V::F x) {
  const typename V::F distance = V::mul(V::abs(x), V::set(0.70710678118654752f));
  const typename V::F t = V::min(distance, V::set(4.3f));
  typename V::F q = V::set(-6.04682135e-06f);
  q = V::fma(q, t, V::set(9.70579257e-05f));
  q = V::fma(q, t, V::set(-0.000623025473f));
  q = V::fma(q, t, V::set(0.00180432989f));
  q = V::fma(q, t, V::set(0.000466003583f));
  q = V::fma(q, t, V::set(-0.0280886968f));
  q = V::fma(q, t, V::set(0.148437992f));
  q = V::fma(q, t, V::set(0.918420489f));
  q = V::fma(q, t, V::set(1.62790871f));
  q = V::fma(q, t, V::set(-1.61320965e-08f));
  q = V::fma(V::sub(distance, t), V::set(64.0f), q);
  const typename V::F erfc = exp2<V>(V::sub(V::zero(), q));
  const typename V::F factor = V::if_negative(x, erfc, V::sub(V::set(2.0f), erfc));
  return V::mul(V::mul(V::set(0.5f), x), factor);
}

// GELU with an absolute error below 1e-5 + 8e-5 |y|, for results that are rounded to eight bits or to bytes next:
// max(x, 0) - |x| 2^-Q(|x|), where 2^-Q(a) = erfc(a / sqrt(2)) / 2.
template <typename V>
typename V::F gelu_rough(typename V::F x) {
  const typename V::F size = V::abs(x);
  const typename V::F a = V::min(size, V::set(5.6f));  // beyond, a^2 2^-Q(a) < 4e-7
  typename V::F q = V::set(0.00386564835f);
  q = V::fma(q, a, V::set(-0.0440765456f));
  q = V::fma(q, a, V::set(-0.468018741f));
  q = V::fma(q, a, V::set(-1.14737022f));
  q = V::fma(q, a, V::set(-1.00047994f));
  const typename V::F tail = exp2_rough<V>(q);
  return V::sub(V::max(x, V::zero()), V::mul(a, tail));
}

}  // namespace amanuensis::kernels
