// How AVX2 multiplies units of four bytes: FMA; FMA on widened bfloat16; and a pair of byte products that cannot
// saturate. Included only by *_avx2.cc files.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/gemm/gemm.h"
#include "kernels/simd/simd_avx2.h"

namespace amanuensis::kernels {
namespace {

// 6 rows of two vectors: 12 sums, two vectors of weights and a broadcast in 16 registers.
struct Float32Avx2 {
  using V = Avx2;
  using Sum = __m256;
  using Left = __m256;
  using Right = __m256;
  static constexpr std::size_t kValues = 1;
  static constexpr int kBlockRows = 6;
  static constexpr int kMaxSums = 12;

  static Sum zero() { return _mm256_setzero_ps(); }
  static Left broadcast(const std::uint32_t* p) {
    float value;
    __builtin_memcpy(&value, p, sizeof(value));
    return _mm256_set1_ps(value);
  }
  static Right load(const std::uint32_t* p) {
    return _mm256_castsi256_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static Right load_first(const std::uint32_t* p, std::size_t n) {
    return _mm256_castsi256_ps(_mm256_maskload_epi32(reinterpret_cast<const int*>(p), V::first(n)));
  }
  static Sum dot(Sum sum, Left a, Right b) { return _mm256_fmadd_ps(a, b, sum); }
  static __m256 finish(Sum sum) { return sum; }

  static float row_step(const float*, std::size_t) { return 1.0f; }
  static void pack_chunk(const float* x, std::size_t n, float, std::uint32_t* to) {
    for (std::size_t i = 0; i < kChunkUnits; i += 8) {
      const std::size_t count = n <= i ? 0 : n - i;
      const __m256 values = count >= 8 ? _mm256_loadu_ps(x + i) : Avx2::load_first(x + i, count);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i), _mm256_castps_si256(values));
    }
  }
  // Eight units at once, from kValues vectors of neighbouring values.
  static void store_units(const __m256 (&values)[kValues], std::uint32_t* to) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_castps_si256(values[0]));
  }
};

// bfloat16 is the upper half of a float32: both halves of a unit are multiplied as such.
struct BFloat16Avx2 {
  struct Halves {
    __m256 low;
    __m256 high;
  };
  using V = Avx2;
  using Sum = __m256;
  using Left = Halves;
  using Right = Halves;
  static constexpr std::size_t kValues = 2;
  static constexpr int kBlockRows = 4;
  static constexpr int kMaxSums = 8;

  static Halves split(__m256i units) {
    return {_mm256_castsi256_ps(_mm256_slli_epi32(units, 16)),
            _mm256_castsi256_ps(_mm256_and_si256(units, _mm256_set1_epi32(static_cast<int>(0xffff0000U))))};
  }
  static Sum zero() { return _mm256_setzero_ps(); }
  static Left broadcast(const std::uint32_t* p) { return split(_mm256_set1_epi32(static_cast<int>(*p))); }
  static Right load(const std::uint32_t* p) { return split(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))); }
  static Right load_first(const std::uint32_t* p, std::size_t n) {
    return split(_mm256_maskload_epi32(reinterpret_cast<const int*>(p), V::first(n)));
  }
  static Sum dot(Sum sum, Left a, Right b) {
    return _mm256_fmadd_ps(a.high, b.high, _mm256_fmadd_ps(a.low, b.low, sum));
  }
  static __m256 finish(Sum sum) { return sum; }

  // Rounds to nearest even into the upper halves.
  static __m256i round_upper(__m256 x) {
    const __m256i bits = _mm256_castps_si256(x);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    return _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  }
  static float row_step(const float*, std::size_t) { return 1.0f; }
  static void pack_chunk(const float* x, std::size_t n, float, std::uint32_t* to) {
    for (std::size_t i = 0; i < 2 * kChunkUnits; i += 8) {
      const std::size_t count = n <= i ? 0 : n - i;
      const __m256 values = count >= 8 ? _mm256_loadu_ps(x + i) : Avx2::load_first(x + i, count);
      const __m256i upper = _mm256_srli_epi32(round_upper(values), 16);
      const __m128i packed = _mm_packus_epi32(_mm256_castsi256_si128(upper), _mm256_extracti128_si256(upper, 1));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i / 2), packed);
    }
  }
  // Eight units at once, from kValues vectors of neighbouring values.
  static void store_units(const __m256 (&values)[kValues], std::uint32_t* to) {
    const __m256i upper = _mm256_set1_epi32(static_cast<int>(0xffff0000U));
    const __m256i low = _mm256_srli_epi32(round_upper(values[0]), 16);
    const __m256i high = _mm256_and_si256(round_upper(values[1]), upper);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_or_si256(low, high));
  }
};

// Bytes are at most 127 in size on both sides, so that two products |x| * (w with x's sign) fit the 16 bits of
// VPMADDUBSW without saturating.
struct Int8Avx2 {
  struct Bytes {
    __m256i value;
    __m256i magnitude;
  };
  using V = Avx2;
  using Sum = __m256i;
  using Left = Bytes;
  using Right = __m256i;
  static constexpr std::size_t kValues = 4;
  static constexpr int kBlockRows = 4;
  static constexpr int kMaxSums = 8;

  static Sum zero() { return _mm256_setzero_si256(); }
  static Left broadcast(const std::uint32_t* p) {
    const __m256i value = _mm256_set1_epi32(static_cast<int>(*p));
    return {value, _mm256_abs_epi8(value)};
  }
  static Right load(const std::uint32_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
  static Sum dot(Sum sum, Left a, Right b) {
    const __m256i pairs = _mm256_maddubs_epi16(a.magnitude, _mm256_sign_epi8(b, a.value));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
  static __m256 columns(const GemmWeights& weights, std::size_t col) { return _mm256_loadu_ps(weights.scale + col); }
  static __m256 finish(Sum sum, __m256 columns, float row_step) {
    const __m256 scale = _mm256_mul_ps(_mm256_set1_ps(row_step), columns);
    return _mm256_mul_ps(_mm256_cvtepi32_ps(sum), scale);
  }

  static float row_step(const float* x, std::size_t n) {
    __m256 largest = _mm256_setzero_ps();
    std::size_t i = 0;
    for (; i + 8 <= n; i += 8) largest = _mm256_max_ps(largest, Avx2::abs(_mm256_loadu_ps(x + i)));
    if (i < n) largest = _mm256_max_ps(largest, Avx2::abs(Avx2::load_first(x + i, n - i)));
    return Avx2::reduce_max(largest) / 127.0f;
  }
  static void pack_chunk(const float* x, std::size_t n, float inverse, std::uint32_t* to) {
    for (std::size_t i = 0; i < 4 * kChunkUnits; i += 8) {
      const std::size_t count = n <= i ? 0 : n - i;
      const __m256 values = count >= 8 ? _mm256_loadu_ps(x + i) : Avx2::load_first(x + i, count);
      __m256i q = _mm256_cvtps_epi32(_mm256_mul_ps(values, _mm256_set1_ps(inverse)));
      q = _mm256_max_epi32(_mm256_min_epi32(q, _mm256_set1_epi32(127)), _mm256_set1_epi32(-127));
      const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(q), _mm256_extracti128_si256(q, 1));
      _mm_storel_epi64(reinterpret_cast<__m128i*>(to + i / 4), _mm_packs_epi16(words, words));
    }
  }
};

}  // namespace
}  // namespace amanuensis::kernels
