#include <immintrin.h>

#include "kernels/mel/mel_impl.h"
#include "kernels/mel/mel_lanes.h"

namespace amanuensis::kernels {
namespace {

struct Avx512Lanes {
  using V = __m512;
  static constexpr std::size_t kWidth = 16;
  static V splat(float x) { return _mm512_set1_ps(x); }
  static V load(const float* p) { return _mm512_loadu_ps(p); }
  static V fma(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
  static V max(V a, V b) { return _mm512_max_ps(a, b); }
  static float largest(V v) { return _mm512_reduce_max_ps(v); }
  static __mmask16 first(std::size_t n) { return static_cast<__mmask16>((1U << n) - 1); }
  static void store_first(float* p, V v, std::size_t n) { _mm512_mask_storeu_ps(p, first(n), v); }
  static V first_or(V v, std::size_t n, V other) { return _mm512_mask_blend_ps(first(n), other, v); }
  static void split(V v, V& exponent, V& mantissa) {
    exponent = _mm512_getexp_ps(v);
    mantissa = _mm512_getmant_ps(v, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_src);
  }
  static void halve_if_above(float limit, V& exponent, V& mantissa) {
    const __mmask16 above = _mm512_cmp_ps_mask(mantissa, splat(limit), _CMP_GT_OQ);
    mantissa = _mm512_mask_mul_ps(mantissa, above, mantissa, splat(0.5F));
    exponent = _mm512_mask_add_ps(exponent, above, exponent, splat(1.0F));
  }
};

}  // namespace

float log_mel_bands_avx512f(const float* power, const MelBands& bands, std::size_t frames, float* out,
                            std::size_t out_stride) noexcept {
  return log_mel_bands_of<Avx512Lanes>(power, bands, frames, out, out_stride);
}

}  // namespace amanuensis::kernels
