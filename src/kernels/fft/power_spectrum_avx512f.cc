#include <immintrin.h>

#include "kernels/fft/power_spectrum_impl.h"
#include "kernels/fft/power_spectrum_lanes.h"

namespace amanuensis::kernels {
namespace {

struct Avx512Lanes {
  using V = __m512;
  static constexpr std::size_t kWidth = 16;
  static V splat(float x) { return _mm512_set1_ps(x); }
  static V load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, V v) { _mm512_storeu_ps(p, v); }
  static V fma(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }

  // A 16 x 16 transpose: 4 x 4 blocks inside the 128-bit parts, then a 4 x 4 transpose of the parts themselves.
  static void load_columns(const float* const* rows, std::size_t n, V* out) {
    V a[16];
    V b[16];
    for (std::size_t f = 0; f < 16; ++f) a[f] = load(rows[f] + n);
    for (std::size_t f = 0; f < 16; f += 2) {
      b[f] = _mm512_unpacklo_ps(a[f], a[f + 1]);
      b[f + 1] = _mm512_unpackhi_ps(a[f], a[f + 1]);
    }
    for (std::size_t f = 0; f < 16; f += 4) {
      a[f] = _mm512_shuffle_ps(b[f], b[f + 2], 0x44);
      a[f + 1] = _mm512_shuffle_ps(b[f], b[f + 2], 0xEE);
      a[f + 2] = _mm512_shuffle_ps(b[f + 1], b[f + 3], 0x44);
      a[f + 3] = _mm512_shuffle_ps(b[f + 1], b[f + 3], 0xEE);
    }
    for (std::size_t j = 0; j < 4; ++j) {  // a[4 g + j]: column j of each part, rows 4 g .. 4 g + 3
      const V low01 = _mm512_shuffle_f32x4(a[j], a[4 + j], 0x44);
      const V high01 = _mm512_shuffle_f32x4(a[j], a[4 + j], 0xEE);
      const V low23 = _mm512_shuffle_f32x4(a[8 + j], a[12 + j], 0x44);
      const V high23 = _mm512_shuffle_f32x4(a[8 + j], a[12 + j], 0xEE);
      out[j] = _mm512_shuffle_f32x4(low01, low23, 0x88);
      out[4 + j] = _mm512_shuffle_f32x4(low01, low23, 0xDD);
      out[8 + j] = _mm512_shuffle_f32x4(high01, high23, 0x88);
      out[12 + j] = _mm512_shuffle_f32x4(high01, high23, 0xDD);
    }
  }
};

}  // namespace

void power_spectrum_avx512f(const float* samples, std::size_t hop, std::size_t frames, const float* window,
                            float* power) noexcept {
  power_spectrum_of<Avx512Lanes>(samples, hop, frames, window, power);
}

}  // namespace amanuensis::kernels
