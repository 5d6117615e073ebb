// How AVX-512 multiplies units of four bytes: VPDPBUSD. Included only by *_avx512_vnni.cc files.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/gemm/gemm.h"
#include "kernels/simd/simd_avx512.h"

namespace amanuensis::kernels {
namespace {

// VPDPBUSD wants unsigned bytes on one side: x is stored with its row's zero point added, and that many times the sum
// of the weights is taken off at the end.
struct Int8Avx512 {
  using V = Avx512;
  using Sum = __m512i;
  using Left = __m512i;
  using Right = __m512i;
  static constexpr std::size_t kValues = 4;
  static constexpr int kBlockRows = 12;
  static constexpr int kMaxSums = 24;

  static Sum zero() { return _mm512_setzero_si512(); }
  static Left broadcast(const std::uint32_t* p) { return _mm512_set1_epi32(static_cast<int>(*p)); }
  static Right load(const std::uint32_t* p) { return _mm512_loadu_si512(p); }
  // Written as assembly because GCC 12 copies and spills the sums around the intrinsic: 1.5 times slower.
  static Sum dot(Sum sum, Left a, Right b) {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
    return sum;
  }
  struct Columns {
    __m512 scale;
    __m512i sum;
  };
  static Columns columns(const GemmWeights& weights, std::size_t col) {
    return {_mm512_loadu_ps(weights.scale + col), _mm512_loadu_si512(weights.column_sum + col)};
  }
  static __m512 finish(Sum sum, const Columns& columns, float row_step, int zero) {
    const __m512i offset = _mm512_mullo_epi32(columns.sum, _mm512_set1_epi32(zero));
    const __m512 scale = _mm512_mul_ps(_mm512_set1_ps(row_step), columns.scale);
    return _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_sub_epi32(sum, offset)), scale);
  }

  static constexpr std::size_t kZeroPointsAt = kBlockRows * sizeof(float);
  static_assert(kZeroPointsAt + kBlockRows <= kBlockHeaderBytes);

  // The step that spreads a row's range, zero included, over 255 of them, and the zero point: where zero then lies.
  static float row_range(const float* x, std::size_t n, int& zero) {
    __m512 low = _mm512_setzero_ps();
    __m512 high = _mm512_setzero_ps();
    const auto widen = [&](__m512 values) {
      low = _mm512_min_ps(low, values);
      high = _mm512_max_ps(high, values);
    };
    std::size_t i = 0;
    for (; i + 16 <= n; i += 16) widen(_mm512_loadu_ps(x + i));
    if (i < n) widen(Avx512::load_first(x + i, n - i));
    const float lowest = _mm512_reduce_min_ps(low);
    const float step = (_mm512_reduce_max_ps(high) - lowest) / 255.0f;
    zero = step > 0.0f ? static_cast<int>(__builtin_rintf(-lowest / step)) : 0;
    return step;
  }
  static void pack_from(const float* x, std::size_t n, float inverse, int zero, std::uint32_t* to) {
    const __m512 scale = _mm512_set1_ps(inverse);
    __m512i q[4];
#pragma GCC unroll 4
    for (std::size_t part = 0; part < 4; ++part) {
      const std::size_t first = part * 16;
      const std::size_t count = n <= first ? 0 : n - first < 16 ? n - first : 16;
      const __m512 values = _mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << count) - 1U), x + first);
      q[part] = _mm512_cvtps_epi32(_mm512_mul_ps(values, scale));
    }
    // Packing works inside quarters of a vector; the last step puts them in order.
    const __m512i offset = _mm512_set1_epi16(static_cast<short>(zero));
    const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(q[0], q[1]), offset);
    const __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(q[2], q[3]), offset);
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    _mm512_storeu_si512(to, _mm512_permutexvar_epi32(order, _mm512_packus_epi16(low, high)));
  }

  // Symmetric, with 128 added: for the keys of attention.
  static void pack_chunk(const float* x, std::size_t n, float inverse, std::uint32_t* to) {
    for (std::size_t part = 0; part < 4; ++part, to += 4) {
      const std::size_t first = part * 16;
      const std::size_t count = n <= first ? 0 : n - first < 16 ? n - first : 16;
      const __m512 values = _mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << count) - 1U), x + first);
      __m512i q = _mm512_cvtps_epi32(_mm512_mul_ps(values, _mm512_set1_ps(inverse)));
      q = _mm512_max_epi32(_mm512_min_epi32(q, _mm512_set1_epi32(127)), _mm512_set1_epi32(-127));
      const __m128i bytes = _mm512_cvtepi32_epi8(_mm512_add_epi32(q, _mm512_set1_epi32(128)));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
    }
  }
};

}  // namespace
}  // namespace amanuensis::kernels
