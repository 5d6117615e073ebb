// How AVX-512 multiplies float32. Included only by *_avx512*.cc files.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/gemm/gemm.h"
#include "kernels/simd/simd_avx512.h"

namespace amanuensis::kernels {
namespace {

// 12 rows of two vectors: 24 sums, two vectors of weights and a broadcast in 32 registers.
struct Float32Avx512 {
  using V = Avx512;
  using Sum = __m512;
  using Left = __m512;
  using Right = __m512;
  static constexpr std::size_t kValues = 1;
  static constexpr int kBlockRows = 12;
  static constexpr int kMaxSums = 24;

  static Sum zero() { return _mm512_setzero_ps(); }
  static Left broadcast(const std::uint32_t* p) {
    float value;
    __builtin_memcpy(&value, p, sizeof(value));
    return _mm512_set1_ps(value);
  }
  static Right load(const std::uint32_t* p) { return _mm512_loadu_ps(p); }
  static Right load_first(const std::uint32_t* p, std::size_t n) { return _mm512_maskz_loadu_ps(V::first(n), p); }
  static Sum dot(Sum sum, Left a, Right b) { return _mm512_fmadd_ps(a, b, sum); }
  static __m512 finish(Sum sum) { return sum; }

  static float row_step(const float*, std::size_t) { return 1.0f; }
  static void pack_chunk(const float* x, std::size_t n, float, std::uint32_t* to) {
    _mm512_storeu_si512(to, _mm512_maskz_loadu_epi32(static_cast<__mmask16>((1U << n) - 1U), x));
  }
  // Sixteen units at once, from kValues vectors of neighbouring values.
  static void store_units(const __m512 (&values)[kValues], std::uint32_t* to) { _mm512_storeu_ps(to, values[0]); }
};

}  // namespace
}  // namespace amanuensis::kernels
