// How AVX-512 multiplies bytes in attention: VPDPBUSD takes unsigned keys times signed queries, and unsigned weights
// times signed values. Included only by *_avx512.cc files.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/gemm/gemm_policies_avx512.h"

namespace amanuensis::kernels {
namespace {

struct BytesAvx512 {
  using V = Avx512;
  using Int = __m512i;
  static constexpr int kKeyLimit = 127;  // keys lie in [-kKeyLimit, kKeyLimit], and kKeyOffset is added to them
  static constexpr int kKeyOffset = 128;
  static constexpr float kWeightLimit = 255.0f;
  static constexpr float kLargestWeightLog2 = 7.99435344f;  // log2(kWeightLimit)

  // Products as the tiles of gemm_simd.h want them: a broadcast key or value meets a vector of queries or weights.
  using Scores = Int8Avx512;
  struct Values : Int8Avx512 {
    static Sum dot(Sum sum, Left value, Right weights) { return Int8Avx512::dot(sum, weights, value); }
  };

  // Cached keys are signed: they become the unsigned side as they are read, which adds 128 times the query's sum.
  struct CachedKeys : Int8Avx512 {
    static Right load(const std::uint32_t* p) {
      return _mm512_xor_si512(_mm512_loadu_si512(p), _mm512_set1_epi8(static_cast<char>(0x80)));
    }
    static Sum dot(Sum sum, Left query, Right key) { return Int8Avx512::dot(sum, key, query); }
  };
  // A chunk of keys times `inverse`, rounded, with the offset added.
  static void pack_keys(const float* x, std::size_t n, float inverse, std::uint32_t* to) {
    Int8Avx512::pack_chunk(x, n, inverse, to);
  }
  static Int cached_offset(std::int32_t query_sum) { return _mm512_set1_epi32(128 * query_sum); }

  static Int dot(Int sum, Int unsigned8, Int signed8) { return Int8Avx512::dot(sum, unsigned8, signed8); }
  static Int broadcast(const std::uint32_t* p) { return Int8Avx512::broadcast(p); }
  static Int load_first(const std::uint32_t* p, std::size_t n) { return _mm512_maskz_loadu_epi32(V::first(n), p); }
  static Int subtract(Int a, Int b) { return _mm512_sub_epi32(a, b); }
  // Sixteen weights in [0, 16383], rounded, as their upper and lower seven bits.
  static void split_weights(__m512 x, std::uint8_t* high, std::uint8_t* low) {
    const __m512i whole = _mm512_cvtps_epi32(x);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(high), _mm512_cvtepi32_epi8(_mm512_srli_epi32(whole, 7)));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(low),
                     _mm512_cvtepi32_epi8(_mm512_and_si512(whole, _mm512_set1_epi32(127))));
  }

  static Int zero() { return _mm512_setzero_si512(); }
  static Int load(const std::int32_t* p) { return _mm512_loadu_si512(p); }
  static __m512 to_float(Int x) { return _mm512_cvtepi32_ps(x); }
  // The sum of four unsigned bytes added to each lane.
  static Int add_bytes(Int sum, Int units) { return Int8Avx512::dot(sum, units, _mm512_set1_epi8(1)); }
  // Four values of each lane, rounded to bytes, as one unit: x[0] in the lowest byte.
  static Int make_units(const __m512 (&x)[4]) {
    const __m512i low = _mm512_or_si512(byte(x[0]), _mm512_slli_epi32(byte(x[1]), 8));
    return _mm512_ternarylogic_epi32(low, _mm512_slli_epi32(byte(x[2]), 16), _mm512_slli_epi32(byte(x[3]), 24), 0xfe);
  }
  static void store_units(std::uint32_t* to, Int units) { _mm512_storeu_si512(to, units); }

 private:
  static __m512i byte(__m512 x) { return _mm512_and_si512(_mm512_cvtps_epi32(x), _mm512_set1_epi32(0xff)); }
};

}  // namespace
}  // namespace amanuensis::kernels
