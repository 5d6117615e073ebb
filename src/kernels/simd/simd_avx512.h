// Sixteen float32 lanes on AVX-512. Included only by *_avx512.cc files; everything has internal linkage, so that none
// of it is ever merged with code for smaller processors. The vocabulary of all simd_*.h files is the same: kernels
// written as templates over it exist once.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace amanuensis::kernels {
namespace {

struct Avx512 {
  using F = __m512;
  static constexpr std::size_t kLanes = 16;

  static F zero() { return _mm512_setzero_ps(); }
  static F set(float x) { return _mm512_set1_ps(x); }
  static F load(const float* p) { return _mm512_loadu_ps(p); }
  static F load(const std::uint16_t* p) {  // bfloat16
    const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
  }
  // The first n < kLanes values, zeros behind them.
  static F load_first(const float* p, std::size_t n) { return _mm512_maskz_loadu_ps(first(n), p); }
  static F load_first(const std::uint16_t* p, std::size_t n) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(first(n), p)), 16));
  }
  static void store(float* p, F x) { _mm512_storeu_ps(p, x); }
  static void store_first(float* p, std::size_t n, F x) { _mm512_mask_storeu_ps(p, first(n), x); }

  static F add(F a, F b) { return _mm512_add_ps(a, b); }
  static F sub(F a, F b) { return _mm512_sub_ps(a, b); }
  static F mul(F a, F b) { return _mm512_mul_ps(a, b); }
  static F div(F a, F b) { return _mm512_div_ps(a, b); }
  static F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
  static F max(F a, F b) { return _mm512_max_ps(a, b); }
  static F min(F a, F b) { return _mm512_min_ps(a, b); }
  static F abs(F a) { return _mm512_abs_ps(a); }
  static F round(F a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  // x * 2^n for whole n >= -126.
  static F scale_by_power(F x, F n) { return _mm512_scalef_ps(x, n); }
  // p * 2^n, where t = n + kRoundingMagic for a whole n, and the result must be a normal number.
  static F add_exponent(F p, F t) {
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(p), _mm512_slli_epi32(_mm512_castps_si512(t), 23)));
  }
  // x < 0 ? a : b
  static F if_negative(F x, F a, F b) {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_LT_OQ), b, a);
  }
  // The first n <= kLanes lanes of x, `other` in the rest.
  static F keep_first(F x, std::size_t n, F other) {
    return _mm512_mask_blend_ps(n >= kLanes ? static_cast<__mmask16>(0xffff) : first(n), other, x);
  }
  // The entry of `table` that the four lowest bits of each lane of t name.
  static F pick(F table, F t) { return _mm512_permutexvar_ps(_mm512_castps_si512(t), table); }
  // rows[i] becomes column i.
  static void transpose(F (&rows)[kLanes]) {
    F pairs[kLanes];  // 2x2 blocks, then 4x4
#pragma GCC unroll 16
    for (std::size_t i = 0; i < kLanes; i += 2) {
      pairs[i] = _mm512_unpacklo_ps(rows[i], rows[i + 1]);
      pairs[i + 1] = _mm512_unpackhi_ps(rows[i], rows[i + 1]);
    }
#pragma GCC unroll 16
    for (std::size_t i = 0; i < kLanes; i += 4) {
#pragma GCC unroll 2
      for (std::size_t j = 0; j < 2; ++j) {
        const __m512d low = _mm512_castps_pd(pairs[i + j]);
        const __m512d high = _mm512_castps_pd(pairs[i + j + 2]);
        rows[i + 2 * j] = _mm512_castpd_ps(_mm512_unpacklo_pd(low, high));
        rows[i + 2 * j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, high));
      }
    }
    // rows[4 * b + j] holds, in its quarter q, column 4 * q + j of rows 4 * b to 4 * b + 3.
#pragma GCC unroll 4
    for (std::size_t j = 0; j < 4; ++j) {
      const F low01 = _mm512_shuffle_f32x4(rows[j], rows[4 + j], 0x44);
      const F high01 = _mm512_shuffle_f32x4(rows[j], rows[4 + j], 0xee);
      const F low23 = _mm512_shuffle_f32x4(rows[8 + j], rows[12 + j], 0x44);
      const F high23 = _mm512_shuffle_f32x4(rows[8 + j], rows[12 + j], 0xee);
      pairs[j] = _mm512_shuffle_f32x4(low01, low23, 0x88);
      pairs[4 + j] = _mm512_shuffle_f32x4(low01, low23, 0xdd);
      pairs[8 + j] = _mm512_shuffle_f32x4(high01, high23, 0x88);
      pairs[12 + j] = _mm512_shuffle_f32x4(high01, high23, 0xdd);
    }
#pragma GCC unroll 16
    for (std::size_t i = 0; i < kLanes; ++i) rows[i] = pairs[i];
  }
  static float reduce_add(F a) { return _mm512_reduce_add_ps(a); }
  static float reduce_max(F a) { return _mm512_reduce_max_ps(a); }

  static __mmask16 first(std::size_t n) { return static_cast<__mmask16>((1U << n) - 1U); }
};

}  // namespace
}  // namespace amanuensis::kernels
