// How AVX-512 multiplies bytes in attention: VPDPBUSD takes unsigned keys times signed queries, and unsigned weights
// times signed values. Included only by *_avx512_vnni.cc files.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/gemm/gemm_policies_avx512_vnni.h"

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
  // A chunk of queries times `inverse`, rounded, signed; written as one vector, for it is read as one next.
  static void pack_signed(const float* x, std::size_t n, float inverse, std::uint32_t* to) {
    __m128i parts[4];
#pragma GCC unroll 4
    for (std::size_t part = 0; part < 4; ++part) {
      const std::size_t first = part * 16;
      const std::size_t count = n <= first ? 0 : n - first < 16 ? n - first : 16;
      const __m512 values = _mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << count) - 1U), x + first);
      parts[part] = _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(_mm512_mul_ps(values, _mm512_set1_ps(inverse))));
    }
    const __m256i low = _mm256_inserti128_si256(_mm256_castsi128_si256(parts[0]), parts[1], 1);
    const __m256i high = _mm256_inserti128_si256(_mm256_castsi128_si256(parts[2]), parts[3], 1);
    _mm512_storeu_si512(to, _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1));
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
  // The same bits.
  static Int to_units(__m512 x) { return _mm512_castps_si512(x); }
  static __m512 to_float(Int x) { return _mm512_cvtepi32_ps(x); }
  // The sum of four unsigned bytes added to each lane.
  static Int add_bytes(Int sum, Int units) { return Int8Avx512::dot(sum, units, _mm512_set1_epi8(1)); }
  // Four values of each lane, rounded to bytes, as one unit: x[0] in the lowest byte.
  static Int make_units(const __m512 (&x)[4]) {
    const __m512i low = _mm512_or_si512(byte(x[0]), _mm512_slli_epi32(byte(x[1]), 8));
    return _mm512_ternarylogic_epi32(low, _mm512_slli_epi32(byte(x[2]), 16), _mm512_slli_epi32(byte(x[3]), 24), 0xfe);
  }
  static void store_units(std::uint32_t* to, Int units) { _mm512_storeu_si512(to, units); }

  // Weights by table, 32 at a time in words: 2^-(u / 64) is entry u % 64, shifted right by u / 64. Exponents of two
  // vectors of queries share a word vector, so that interleaving words brings four keys of a query together.
  static constexpr int kWeightTableSteps = 64;
  static void weights(const __m512 (&exponents)[4][2], Int (&units)[2]) {
    __m512i words[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      // Saturates: a weight with an exponent of that size is zero.
      const __m512i u = _mm512_packs_epi32(_mm512_cvtps_epi32(exponents[i][0]), _mm512_cvtps_epi32(exponents[i][1]));
      const __m512i entry = _mm512_permutex2var_epi16(table(0), u, table(32));
      const __m512i scaled = _mm512_srlv_epi16(entry, _mm512_srli_epi16(u, 6));
      words[i] = _mm512_add_epi16(scaled, _mm512_set1_epi16(128));
    }
    const __m512i low = high_bytes(words[0], words[1]);
    const __m512i high = high_bytes(words[2], words[3]);
    units[0] = _mm512_unpacklo_epi16(low, high);
    units[1] = _mm512_unpackhi_epi16(low, high);
  }

 private:
  // 255 * 256 * 2^-(i / 64), rounded: a weight with eight bits behind the point.
  alignas(64) static constexpr std::uint16_t kPowers[kWeightTableSteps] = {
      65280, 64577, 63881, 63193, 62512, 61839, 61173, 60514, 59862, 59217, 58579, 57948, 57324, 56707, 56096, 55491,
      54894, 54302, 53717, 53139, 52566, 52000, 51440, 50886, 50338, 49796, 49259, 48729, 48204, 47684, 47171, 46663,
      46160, 45663, 45171, 44684, 44203, 43727, 43256, 42790, 42329, 41873, 41422, 40976, 40534, 40098, 39666, 39238,
      38816, 38398, 37984, 37575, 37170, 36770, 36374, 35982, 35594, 35211, 34831, 34456, 34085, 33718, 33355, 32995,
  };
  static __m512i table(int first) { return _mm512_load_si512(kPowers + first); }
  // The upper byte of each word of a below that of b.
  static __m512i high_bytes(__m512i a, __m512i b) {
    // a >> 8 | b & 0xff00
    return _mm512_ternarylogic_epi32(_mm512_srli_epi16(a, 8), b, _mm512_set1_epi16(static_cast<short>(0xff00)), 0xf8);
  }
  static __m512i byte(__m512 x) { return _mm512_and_si512(_mm512_cvtps_epi32(x), _mm512_set1_epi32(0xff)); }
};

}  // namespace
}  // namespace amanuensis::kernels
