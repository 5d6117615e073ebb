// exp2 and GELU, and the range of a row, on vectors of the simd_*.h vocabulary. Templates over a type with internal
// linkage, hence internal themselves. Coefficients are weighted minimax fits made for this file (iteratively reweighted
// least squares).
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

// Phi(t) - 1 around t = kGeluWidth * i, i < 16: coefficient j of t - kGeluWidth * i is kGeluTail[j][i]. Phi is the
// normal distribution.
inline constexpr float kGeluWidth = 0.375f;
inline constexpr float kGeluTail[6][16] = {
    {-5e-01f, -3.5383025e-01f, -2.2662735e-01f, -1.3029452e-01f, -6.68072e-02f, -3.0396359e-02f, -1.2224471e-02f,
     -4.332448e-03f, -1.3498982e-03f, -3.690787e-04f, -8.8417466e-05f, -1.8536823e-05f, -3.3977035e-06f,
     -5.4405103e-07f, -7.605168e-08f, -9.275806e-09f},
    {3.9894226e-01f, 3.7185508e-01f, 3.0113745e-01f, 2.1187665e-01f, 1.295176e-01f, 6.878628e-02f, 3.173965e-02f,
     1.272418e-02f, 4.431848e-03f, 1.341119e-03f, 3.5259593e-04f, 8.054062e-05f, 1.598382e-05f, 2.7559695e-06f,
     4.1285438e-07f, 5.3733924e-08f},
    {3.5214714e-07f, -6.972101e-02f, -1.12924434e-01f, -1.1917971e-01f, -9.713864e-02f, -6.44881e-02f, -3.5707798e-02f,
     -1.6700696e-02f, -6.6476976e-03f, -2.263004e-03f, -6.610248e-04f, -1.660714e-04f, -3.5947847e-05f, -6.7131223e-06f,
     -1.0826634e-06f, -1.5091403e-07f},
    {-6.649781e-02f, -5.325953e-02f, -2.1958435e-02f, 9.378734e-03f, 2.6982019e-02f, 2.8840052e-02f, 2.1490773e-02f,
     1.2492563e-02f, 5.9092552e-03f, 2.3224999e-03f, 7.6758605e-04f, 2.1495299e-04f, 5.126692e-05f, 1.0451934e-05f,
     1.8263981e-06f, 2.7411136e-07f},
    {6.738293e-05f, 1.6475316e-02f, 2.2778546e-02f, 1.7156532e-02f, 6.1053946e-03f, -2.6976254e-03f, -6.084952e-03f,
     -5.3988104e-03f, -3.3296268e-03f, -1.5926133e-03f, -6.164517e-04f, -1.9729568e-04f, -5.2876414e-05f,
     -1.1964123e-05f, -2.298373e-06f, -3.764004e-07f},
    {9.735338e-03f, 6.6967355e-03f, -1.2311392e-04f, -5.224036e-03f, -5.8296947e-03f, -3.2855982e-03f, -4.8025802e-04f,
     9.529069e-04f, 1.1020144e-03f, 7.2028494e-04f, 3.4407238e-04f, 1.2931504e-04f, 3.9517457e-05f, 9.997763e-06f,
     2.1175883e-06f, 3.78321e-07f},
};

// The same with fewer terms, for results that are rounded next.
inline constexpr float kGeluTailRough[4][16] = {
    {-5.0000006e-01f, -3.5383278e-01f, -2.2663087e-01f, -1.3029717e-01f, -6.6808134e-02f, -3.039595e-02f,
     -1.2223532e-02f, -4.3316144e-03f, -1.3493841e-03f, -3.6883284e-04f, -8.8322304e-05f, -1.850637e-05f,
     -3.389544e-06f, -5.4220516e-07f, -7.5697145e-08f, -9.217757e-09f},
    {3.9894918e-01f, 3.7185097e-01f, 3.011375e-01f, 2.1187988e-01f, 1.2952119e-01f, 6.878828e-02f, 3.1739946e-02f,
     1.2723591e-02f, 4.4311667e-03f, 1.3406739e-03f, 3.523833e-04f, 8.046071e-05f, 1.59594e-05f, 2.7497908e-06f,
     4.1154564e-07f, 5.35001e-08f},
    {-1.5906885e-04f, -6.914221e-02f, -1.1212386e-01f, -1.1857677e-01f, -9.692438e-02f, -6.4582534e-02f, -3.592164e-02f,
     -1.6890462e-02f, -6.7647346e-03f, -2.3189841e-03f, -6.826924e-04f, -1.7300587e-04f, -3.7806247e-05f,
     -7.1335944e-06f, -1.1634343e-06f, -1.64141e-07f},
    {-6.548878e-02f, -5.2906614e-02f, -2.196495e-02f, 9.1033075e-03f, 2.667489e-02f, 2.8667422e-02f, 2.1465482e-02f,
     1.2542816e-02f, 5.9673665e-03f, 2.3604818e-03f, 7.857297e-04f, 2.2177209e-04f, 5.3350803e-05f, 1.0979155e-05f,
     1.9380686e-06f, 2.9406235e-07f},
};

// Vocabularies whose V::pick(table, t) takes, for each lane, the entry of a vector of sixteen that the lowest bits of
// t = i + kRoundingMagic name.
template <typename V>
concept HasPick = requires(typename V::F f) {
  V::pick(f, f);
};

// GELU as max(x, 0) + |x| (Phi(|x|) - 1), the second factor from a table of kTerms. Errors as those of gelu and
// gelu_rough below.
template <typename V, int kTerms>
typename V::F gelu_by_table(typename V::F x, const float (&table)[kTerms][16]) {
  const typename V::F magic = V::set(kRoundingMagic);
  const typename V::F t = V::min(V::abs(x), V::set(5.8f));  // beyond, t (1 - Phi(t)) < 2e-8
  const typename V::F place = V::fma(t, V::set(1.0f / kGeluWidth), magic);
  const typename V::F r = V::fma(V::sub(magic, place), V::set(kGeluWidth), t);  // exact
  typename V::F tail = V::pick(V::load(table[kTerms - 1]), place);
#pragma GCC unroll 5
  for (int i = kTerms - 2; i >= 0; --i) tail = V::fma(tail, r, V::pick(V::load(table[i]), place));
  return V::fma(t, tail, V::max(V::zero(), x));
}

// x / 2 * (1 + erf(x / sqrt(2))) with an absolute error below 2e-7 and no cancellation for negative x:
// erfc(t) = 2^-Q(t), where -log2(erfc(t)) is smooth enough for one polynomial on [0, 4.3]; beyond, where
// x * erfc(t) < 1e-8, the exponent is only made to grow.
template <typename V>
typename V::F gelu(typename V::F x) {
  if constexpr (HasPick<V>) return gelu_by_table<V>(x, kGeluTail);
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
  if constexpr (HasPick<V>) return gelu_by_table<V>(x, kGeluTailRough);
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

// The largest magnitude of x.
template <typename V>
float largest_magnitude(const float* x, std::size_t n) {
  typename V::F largest = V::zero();
  std::size_t i = 0;
  for (; i + V::kLanes <= n; i += V::kLanes) largest = V::max(largest, V::abs(V::load(x + i)));
  if (i < n) largest = V::max(largest, V::abs(V::load_first(x + i, n - i)));
  return V::reduce_max(largest);
}

}  // namespace amanuensis::kernels
