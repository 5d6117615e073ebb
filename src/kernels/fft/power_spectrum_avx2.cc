#include <immintrin.h>

#include "kernels/fft/power_spectrum_impl.h"
#include "kernels/fft/power_spectrum_lanes.h"

namespace amanuensis::kernels {
namespace {

struct Avx2Lanes {
  using V = __m256;
  static constexpr std::size_t kWidth = 8;
  static V splat(float x) { return _mm256_set1_ps(x); }
  static V load(const float* p) { return _mm256_loadu_ps(p); }
  static void store(float* p, V v) { _mm256_storeu_ps(p, v); }
  static V fma(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }

  // An 8 x 8 transpose: pairs, then pairs of pairs, then the two halves.
  static void load_columns(const float* const* rows, std::size_t n, V* out) {
    V a[8];
    V b[8];
    for (std::size_t f = 0; f < 8; ++f) a[f] = load(rows[f] + n);
    for (std::size_t f = 0; f < 8; f += 2) {
      b[f] = _mm256_unpacklo_ps(a[f], a[f + 1]);
      b[f + 1] = _mm256_unpackhi_ps(a[f], a[f + 1]);
    }
    for (std::size_t f = 0; f < 8; f += 4) {
      a[f] = _mm256_shuffle_ps(b[f], b[f + 2], 0x44);
      a[f + 1] = _mm256_shuffle_ps(b[f], b[f + 2], 0xEE);
      a[f + 2] = _mm256_shuffle_ps(b[f + 1], b[f + 3], 0x44);
      a[f + 3] = _mm256_shuffle_ps(b[f + 1], b[f + 3], 0xEE);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      out[j] = _mm256_permute2f128_ps(a[j], a[j + 4], 0x20);
      out[j + 4] = _mm256_permute2f128_ps(a[j], a[j + 4], 0x31);
    }
  }
};

}  // namespace

void power_spectrum_avx2(const float* samples, std::size_t hop, std::size_t frames, const float* window,
                         float* power) noexcept {
  power_spectrum_of<Avx2Lanes>(samples, hop, frames, window, power);
}

}  // namespace amanuensis::kernels
