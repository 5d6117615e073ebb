// The transform of power_spectrum.h, written once for any vector of frames. Each ISA file includes this and
// instantiates power_spectrum_of<Lanes>, where Lanes says what a vector of frames is:
//   V, kWidth                     the type, with + - *, and how many floats it has
//   splat(x), load(p), store(p, v), fma(a, b, c) = a * b + c
//   load_columns(rows, n, out)    out[j], lane f = rows[f][n + j] for j in [0, kWidth)
// Everything here has internal linkage: what two ISA files instantiate must never be merged by the linker.
#pragma once

#include <cstddef>

#include "kernels/fft/power_spectrum.h"
#include "kernels/fft/twiddles.h"

namespace amanuensis::kernels {
namespace {  // NOLINT(google-build-namespaces): see above

constexpr std::size_t kHalf = kFftLength / 2;  // complex points of the packed frame
constexpr auto kRoots25 = roots_of_unity<17>(25);
constexpr auto kRoots400 = roots_of_unity<kHalf / 2>(kFftLength);
constexpr Root kFifth1 = root_of_unity(1, 5);
constexpr Root kFifth2 = root_of_unity(2, 5);
constexpr Root kEighth = root_of_unity(1, 8);

template <typename Lanes>
struct Transform {
  using V = typename Lanes::V;
  struct Complex {
    V re, im;
  };

  static Complex add(const Complex& a, const Complex& b) { return {a.re + b.re, a.im + b.im}; }
  static Complex subtract(const Complex& a, const Complex& b) { return {a.re - b.re, a.im - b.im}; }
  // a + s * b for a real s
  static Complex add_scaled(const Complex& a, V s, const Complex& b) {
    return {Lanes::fma(b.re, s, a.re), Lanes::fma(b.im, s, a.im)};
  }
  static Complex scale(V s, const Complex& a) { return {a.re * s, a.im * s}; }
  // a - i * b and a + i * b
  static Complex add_turned(const Complex& a, const Complex& b) { return {a.re + b.im, a.im - b.re}; }
  static Complex subtract_turned(const Complex& a, const Complex& b) { return {a.re - b.im, a.im + b.re}; }
  static Complex multiply(const Complex& a, const Root& root) {
    const V re = Lanes::splat(root.re);
    const V im = Lanes::splat(root.im);
    return {a.re * re - a.im * im, Lanes::fma(a.re, im, a.im * re)};
  }

  static void dft5(const Complex in[5], Complex out[5]) {
    const V c1 = Lanes::splat(kFifth1.re);
    const V c2 = Lanes::splat(kFifth2.re);
    const V s1 = Lanes::splat(-kFifth1.im);
    const V s2 = Lanes::splat(-kFifth2.im);
    const Complex sum1 = add(in[1], in[4]);
    const Complex sum2 = add(in[2], in[3]);
    const Complex difference1 = subtract(in[1], in[4]);
    const Complex difference2 = subtract(in[2], in[3]);
    const Complex even1 = add_scaled(add_scaled(in[0], c1, sum1), c2, sum2);
    const Complex even2 = add_scaled(add_scaled(in[0], c2, sum1), c1, sum2);
    const Complex odd1 = add_scaled(scale(s1, difference1), s2, difference2);
    const Complex odd2 = subtract(scale(s2, difference1), scale(s1, difference2));
    out[0] = add(in[0], add(sum1, sum2));
    out[1] = add_turned(even1, odd1);
    out[2] = add_turned(even2, odd2);
    out[3] = subtract_turned(even2, odd2);
    out[4] = subtract_turned(even1, odd1);
  }

  // n = 5a + b, k = c + 5d: fives over a, a twiddle for b * c, fives over b.
  static void dft25(const Complex in[25], Complex out[25]) {
    Complex middle[5][5];  // [c][b]
    for (std::size_t b = 0; b < 5; ++b) {
      const Complex column[5] = {in[b], in[5 + b], in[10 + b], in[15 + b], in[20 + b]};
      Complex spectrum[5];
      dft5(column, spectrum);
      for (std::size_t c = 0; c < 5; ++c) {
        middle[c][b] = b * c == 0 ? spectrum[c] : multiply(spectrum[c], kRoots25.at[b * c]);
      }
    }
    for (std::size_t c = 0; c < 5; ++c) {
      Complex spectrum[5];
      dft5(middle[c], spectrum);
      for (std::size_t d = 0; d < 5; ++d) out[c + 5 * d] = spectrum[d];
    }
  }

  static void dft8(const Complex in[8], Complex out[8]) {
    const V h = Lanes::splat(kEighth.re);
    Complex even[4];
    Complex odd[4];
    for (std::size_t i = 0; i < 4; ++i) {
      even[i] = add(in[i], in[i + 4]);
      odd[i] = subtract(in[i], in[i + 4]);
    }
    const Complex e02 = add(even[0], even[2]);
    const Complex e13 = add(even[1], even[3]);
    const Complex d02 = subtract(even[0], even[2]);
    const Complex d13 = subtract(even[1], even[3]);
    out[0] = add(e02, e13);
    out[4] = subtract(e02, e13);
    out[2] = add_turned(d02, d13);
    out[6] = subtract_turned(d02, d13);
    // The odd outputs: odd[i] turned by i eighths, then a transform of four.
    const Complex sum = add(odd[1], odd[3]);
    const Complex difference = subtract(odd[1], odd[3]);
    const Complex o0 = add_scaled(odd[0], h, difference);
    const Complex o1 = subtract(odd[0], scale(h, difference));
    const Complex t0 = add_scaled(odd[2], h, sum);
    const Complex t1 = subtract(odd[2], scale(h, sum));
    out[1] = add_turned(o0, t0);
    out[7] = subtract_turned(o0, t0);
    out[5] = add_turned(o1, t1);
    out[3] = subtract_turned(o1, t1);
  }

  // Windowed samples as complex numbers: z[n] = x[2n] + i x[2n + 1].
  static void load_frames(const float* const rows[Lanes::kWidth], const float* window, Complex z[kHalf]) {
    V column[Lanes::kWidth < 2 ? 2 : Lanes::kWidth];
    constexpr std::size_t kColumns = Lanes::kWidth < 2 ? 2 : Lanes::kWidth;
    for (std::size_t n = 0; n < kFftLength; n += kColumns) {
      for (std::size_t j = 0; j < kColumns; j += Lanes::kWidth) Lanes::load_columns(rows, n + j, column + j);
      for (std::size_t j = 0; j < kColumns; j += 2) {
        z[(n + j) / 2] = {column[j] * Lanes::splat(window[n + j]), column[j + 1] * Lanes::splat(window[n + j + 1])};
      }
    }
  }

  // In place. With n = 25 a + 8 b (mod 200) the transform separates exactly: output k is entry (k mod 8, k mod 25).
  static void dft200(Complex z[kHalf]) {
    Complex middle[8][25];
    for (std::size_t a = 0; a < 8; ++a) {
      Complex column[25];
      for (std::size_t b = 0; b < 25; ++b) column[b] = z[(25 * a + 8 * b) % kHalf];
      dft25(column, middle[a]);
    }
    for (std::size_t b = 0; b < 25; ++b) {
      Complex column[8];
      Complex spectrum[8];
      for (std::size_t a = 0; a < 8; ++a) column[a] = middle[a][b];
      dft8(column, spectrum);
      // 25 * (1 / 25 mod 8) = 25 and 8 * (1 / 8 mod 25) = 176: the Chinese remainder of (a, b).
      for (std::size_t a = 0; a < 8; ++a) z[(25 * a + 176 * b) % kHalf] = spectrum[a];
    }
  }

  static V squared(V re, V im) { return Lanes::fma(re, re, im * im); }

  // From the spectrum of the packed frame to the power of the real one: with E and O the transforms of the even and odd
  // samples, X[k] = E[k] + w^k O[k] and X[200 - k] = conj(E[k] - w^k O[k]).
  static void unpack(const Complex z[kHalf], float* power) {
    const V half = Lanes::splat(0.5F);
    const V first = z[0].re + z[0].im;
    const V last = z[0].re - z[0].im;
    Lanes::store(power, first * first);
    Lanes::store(power + kHalf * kFrameLanes, last * last);
    for (std::size_t k = 1; k < kHalf / 2; ++k) {
      const Complex& low = z[k];
      const Complex& high = z[kHalf - k];
      const Complex even = {(low.re + high.re) * half, (low.im - high.im) * half};
      const Complex odd = {(low.im + high.im) * half, (high.re - low.re) * half};
      const Complex turned = multiply(odd, kRoots400.at[k]);
      Lanes::store(power + k * kFrameLanes, squared(even.re + turned.re, even.im + turned.im));
      Lanes::store(power + (kHalf - k) * kFrameLanes, squared(even.re - turned.re, even.im - turned.im));
    }
    const Complex& middle = z[kHalf / 2];
    Lanes::store(power + kHalf / 2 * kFrameLanes, squared(middle.re, middle.im));
  }
};

template <typename Lanes>
void power_spectrum_of(const float* samples, std::size_t hop, std::size_t frames, const float* window,
                       float* power) noexcept {
  using Steps = Transform<Lanes>;
  for (std::size_t lane = 0; lane < kFrameLanes; lane += Lanes::kWidth) {
    const float* rows[Lanes::kWidth];
    for (std::size_t f = 0; f < Lanes::kWidth; ++f) {
      rows[f] = samples + (lane + f < frames ? lane + f : frames - 1) * hop;
    }
    typename Steps::Complex z[kHalf];
    Steps::load_frames(rows, window, z);
    Steps::dft200(z);
    Steps::unpack(z, power + lane);
  }
}

}  // namespace
}  // namespace amanuensis::kernels
