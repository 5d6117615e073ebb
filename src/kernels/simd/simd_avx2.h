// Eight float32 lanes on AVX2 with FMA. Included only by *_avx2.cc files; everything has internal linkage, so that none
// of it is ever merged with code for smaller processors. The vocabulary of all simd_*.h files is the same: kernels
// written as templates over it exist once.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace amanuensis::kernels {
namespace {

struct Avx2 {
  using F = __m256;
  static constexpr std::size_t kLanes = 8;

  static F zero() { return _mm256_setzero_ps(); }
  static F set(float x) { return _mm256_set1_ps(x); }
  static F load(const float* p) { return _mm256_loadu_ps(p); }
  static F load(const std::uint16_t* p) {  // bfloat16
    const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
  }
  // The first n < kLanes values, zeros behind them.
  static F load_first(const float* p, std::size_t n) { return _mm256_maskload_ps(p, first(n)); }
  static F load_first(const std::uint16_t* p, std::size_t n) {
    alignas(16) std::uint16_t copy[kLanes] = {};
    for (std::size_t i = 0; i < n; ++i) copy[i] = p[i];
    return load(copy);
  }
  static void store(float* p, F x) { _mm256_storeu_ps(p, x); }
  static void store_first(float* p, std::size_t n, F x) { _mm256_maskstore_ps(p, first(n), x); }

  static F add(F a, F b) { return _mm256_add_ps(a, b); }
  static F sub(F a, F b) { return _mm256_sub_ps(a, b); }
  static F mul(F a, F b) { return _mm256_mul_ps(a, b); }
  static F div(F a, F b) { return _mm256_div_ps(a, b); }
  static F fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
  static F max(F a, F b) { return _mm256_max_ps(a, b); }
  static F min(F a, F b) { return _mm256_min_ps(a, b); }
  static F abs(F a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
  static F round(F a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  // x * 2^n for whole n in [-126, 127].
  static F scale_by_power(F x, F n) {
    const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_mul_ps(x, _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23)));
  }
  // p * 2^n, where t = n + kRoundingMagic for a whole n, and the result must be a normal number.
  static F add_exponent(F p, F t) {
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), _mm256_slli_epi32(_mm256_castps_si256(t), 23)));
  }
  // x < 0 ? a : b
  static F if_negative(F x, F a, F b) {
    return _mm256_blendv_ps(b, a, _mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_LT_OQ));
  }
  // The first n <= kLanes lanes of x, `other` in the rest.
  static F keep_first(F x, std::size_t n, F other) { return _mm256_blendv_ps(other, x, _mm256_castsi256_ps(first(n))); }
  // rows[i] becomes column i.
  static void transpose(F (&rows)[kLanes]) {
    F quads[kLanes];  // 4x4 blocks, one in each half
    for (std::size_t i = 0; i < kLanes; i += 4) {
      const F low0 = _mm256_unpacklo_ps(rows[i], rows[i + 1]);
      const F high0 = _mm256_unpackhi_ps(rows[i], rows[i + 1]);
      const F low1 = _mm256_unpacklo_ps(rows[i + 2], rows[i + 3]);
      const F high1 = _mm256_unpackhi_ps(rows[i + 2], rows[i + 3]);
      quads[i] = _mm256_shuffle_ps(low0, low1, 0x44);
      quads[i + 1] = _mm256_shuffle_ps(low0, low1, 0xee);
      quads[i + 2] = _mm256_shuffle_ps(high0, high1, 0x44);
      quads[i + 3] = _mm256_shuffle_ps(high0, high1, 0xee);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      rows[i] = _mm256_permute2f128_ps(quads[i], quads[4 + i], 0x20);
      rows[4 + i] = _mm256_permute2f128_ps(quads[i], quads[4 + i], 0x31);
    }
  }
  static float reduce_add(F a) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
  }
  static float reduce_max(F a) {
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
  }

  static __m256i first(std::size_t n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
};

}  // namespace
}  // namespace amanuensis::kernels
