#include <immintrin.h>

#include "kernels/mel/mel_impl.h"
#include "kernels/mel/mel_lanes.h"

namespace amanuensis::kernels {
namespace {

struct Avx2Lanes {
  using V = __m256;
  static constexpr std::size_t kWidth = 8;
  static V splat(float x) { return _mm256_set1_ps(x); }
  static V load(const float* p) { return _mm256_loadu_ps(p); }
  static V fma(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
  static V max(V a, V b) { return _mm256_max_ps(a, b); }
  static float largest(V v) {
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps(two, two, 1)));
  }
  static __m256i first(std::size_t n) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), lane);
  }
  static void store_first(float* p, V v, std::size_t n) { _mm256_maskstore_ps(p, first(n), v); }
  static V first_or(V v, std::size_t n, V other) { return _mm256_blendv_ps(other, v, _mm256_castsi256_ps(first(n))); }
  static void split(V v, V& exponent, V& mantissa) {
    const __m256i bits = _mm256_castps_si256(v);
    exponent = _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_srli_epi32(bits, 23), _mm256_set1_epi32(127)));
    mantissa = _mm256_castsi256_ps(
        _mm256_or_si256(_mm256_and_si256(bits, _mm256_set1_epi32(0x007FFFFF)), _mm256_set1_epi32(0x3F800000)));
  }
  static void halve_if_above(float limit, V& exponent, V& mantissa) {
    const V above = _mm256_cmp_ps(mantissa, splat(limit), _CMP_GT_OQ);
    mantissa = _mm256_blendv_ps(mantissa, _mm256_mul_ps(mantissa, splat(0.5F)), above);
    exponent = _mm256_add_ps(exponent, _mm256_and_ps(above, splat(1.0F)));
  }
};

}  // namespace

float log_mel_bands_avx2(const float* power, const MelBands& bands, std::size_t frames, float* out,
                         std::size_t out_stride) noexcept {
  return log_mel_bands_of<Avx2Lanes>(power, bands, frames, out, out_stride);
}

}  // namespace amanuensis::kernels
