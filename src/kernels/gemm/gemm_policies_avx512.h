// How AVX-512 multiplies pairs of bfloat16: VDPBF16PS. Included only by *_avx512.cc files.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/gemm/gemm.h"
#include "kernels/simd/simd_avx512.h"

namespace amanuensis::kernels {
namespace {

struct BFloat16Avx512 {
  using V = Avx512;
  using Sum = __m512;
  using Left = __m512i;
  using Right = __m512i;
  static constexpr std::size_t kValues = 2;
  static constexpr int kBlockRows = 12;
  static constexpr int kMaxSums = 24;

  static Sum zero() { return _mm512_setzero_ps(); }
  static Left broadcast(const std::uint32_t* p) { return _mm512_set1_epi32(static_cast<int>(*p)); }
  static Right load(const std::uint32_t* p) { return _mm512_loadu_si512(p); }
  static Right load_first(const std::uint32_t* p, std::size_t n) { return _mm512_maskz_loadu_epi32(V::first(n), p); }
  static Sum dot(Sum sum, Left a, Right b) {
    return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
  }
  static __m512 finish(Sum sum) { return sum; }

  static float row_step(const float*, std::size_t) { return 1.0f; }
  static void pack_chunk(const float* x, std::size_t n, float, std::uint32_t* to) {
    const auto mask = static_cast<std::uint32_t>((std::uint64_t{1} << n) - 1U);
    const __m512 low = _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask), x);
    const __m512 high = _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask >> 16), x + 16);
    _mm512_storeu_si512(to, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low)));
  }
  // Sixteen units at once, from kValues vectors of neighbouring values.
  static void store_units(const __m512 (&values)[kValues], std::uint32_t* to) {
    const __m512i low = _mm512_cvtepu16_epi32(reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(values[0])));
    const __m512i high = _mm512_cvtepu16_epi32(reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(values[1])));
    _mm512_storeu_si512(to, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
  }
};

}  // namespace
}  // namespace amanuensis::kernels
