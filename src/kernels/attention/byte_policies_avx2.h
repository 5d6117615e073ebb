// How AVX2 multiplies bytes in attention: VPMADDUBSW adds two products into 16 bits, which seven bits on the unsigned
// side (keys, weights) and eight on the signed one (queries, values) cannot overflow. Included only by *_avx2.cc files.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/gemm/gemm_policies_avx2.h"

namespace amanuensis::kernels {
namespace {

struct BytesAvx2 {
  using V = Avx2;
  using Int = __m256i;
  static constexpr int kKeyLimit = 63;  // keys lie in [-kKeyLimit, kKeyLimit], and kKeyOffset is added to them
  static constexpr int kKeyOffset = 64;
  static constexpr float kWeightLimit = 127.0f;
  static constexpr float kLargestWeightLog2 = 6.98868469f;  // log2(kWeightLimit)

  static Int dot7(Int sum, Int unsigned7, Int signed8) {
    const Int pairs = _mm256_maddubs_epi16(unsigned7, signed8);
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }

  // Products as the tiles of gemm_simd.h want them: a broadcast key or value meets a vector of queries or weights.
  struct Scores : Int8Avx2 {
    using Left = __m256i;
    static Left broadcast(const std::uint32_t* p) { return _mm256_set1_epi32(static_cast<int>(*p)); }
    static Sum dot(Sum sum, Left key, Right query) { return dot7(sum, key, query); }
  };
  struct Values : Scores {
    static Sum dot(Sum sum, Left value, Right weights) { return dot7(sum, weights, value); }
  };

  // Cached keys are signed, and have all eight bits: their magnitude is the unsigned side.
  using CachedKeys = Int8Avx2;
  // A chunk of keys times `inverse`, rounded, with the offset added.
  static void pack_keys(const float* x, std::size_t n, float inverse, std::uint32_t* to) {
    Int8Avx2::pack_chunk(x, n, inverse, to);
    for (std::size_t u = 0; u < kChunkUnits; u += V::kLanes) {
      auto* units = reinterpret_cast<__m256i*>(to + u);
      _mm256_storeu_si256(units, _mm256_add_epi8(_mm256_loadu_si256(units), _mm256_set1_epi8(kKeyOffset)));
    }
  }
  // A chunk of queries times `inverse`, rounded, signed.
  static void pack_signed(const float* x, std::size_t n, float inverse, std::uint32_t* to) {
    Int8Avx2::pack_chunk(x, n, inverse, to);
  }
  static Int cached_offset(std::int32_t) { return _mm256_setzero_si256(); }

  static Int dot(Int sum, Int unsigned7, Int signed8) { return dot7(sum, unsigned7, signed8); }
  static Int broadcast(const std::uint32_t* p) { return _mm256_set1_epi32(static_cast<int>(*p)); }
  static Int load_first(const std::uint32_t* p, std::size_t n) {
    return _mm256_maskload_epi32(reinterpret_cast<const int*>(p), V::first(n));
  }
  static Int subtract(Int a, Int b) { return _mm256_sub_epi32(a, b); }
  // Eight weights in [0, 16383], rounded, as their upper and lower seven bits.
  static void split_weights(__m256 x, std::uint8_t* high, std::uint8_t* low) {
    const __m256i whole = _mm256_cvtps_epi32(x);
    store_bytes(high, _mm256_srli_epi32(whole, 7));
    store_bytes(low, _mm256_and_si256(whole, _mm256_set1_epi32(127)));
  }

  static Int zero() { return _mm256_setzero_si256(); }
  static Int load(const std::int32_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
  // The same bits.
  static Int to_units(__m256 x) { return _mm256_castps_si256(x); }
  static __m256 to_float(Int x) { return _mm256_cvtepi32_ps(x); }
  // The sum of four unsigned bytes (below 128) added to each lane.
  static Int add_bytes(Int sum, Int units) { return dot7(sum, units, _mm256_set1_epi8(1)); }
  // Four values of each lane, rounded to bytes, as one unit: x[0] in the lowest byte.
  static Int make_units(const __m256 (&x)[4]) {
    const __m256i low = _mm256_or_si256(byte(x[0]), _mm256_slli_epi32(byte(x[1]), 8));
    const __m256i high = _mm256_or_si256(_mm256_slli_epi32(byte(x[2]), 16), _mm256_slli_epi32(byte(x[3]), 24));
    return _mm256_or_si256(low, high);
  }
  static void store_units(std::uint32_t* to, Int units) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), units); }

 private:
  static void store_bytes(std::uint8_t* to, __m256i x) {
    const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(to), _mm_packus_epi16(words, words));
  }
  static __m256i byte(__m256 x) { return _mm256_and_si256(_mm256_cvtps_epi32(x), _mm256_set1_epi32(0xff)); }
};

}  // namespace
}  // namespace amanuensis::kernels
