#include "pipeline/segment/spectrum.h"

#include <cmath>
#include <numbers>

namespace amanuensis::pipeline {

SpectrumPair::SpectrumPair()
    : window_(kPoints), cos_(kPoints / 2), sin_(kPoints / 2), reversed_(kPoints), re_(kPoints), im_(kPoints) {
  const double step = 2 * std::numbers::pi / static_cast<double>(kPoints);
  for (std::size_t i = 0; i < kPoints; ++i) {
    window_[i] = static_cast<float>(0.5 - 0.5 * std::cos(step * static_cast<double>(i)));
  }
  // The twiddles of each stage in turn, so that a stage reads them one after the other.
  cos_.clear();
  sin_.clear();
  for (std::size_t half = 1; half < kPoints; half *= 2) {
    for (std::size_t k = 0; k < half; ++k) {
      const double angle = std::numbers::pi * static_cast<double>(k) / static_cast<double>(half);
      cos_.push_back(static_cast<float>(std::cos(angle)));
      sin_.push_back(static_cast<float>(-std::sin(angle)));
    }
  }
  for (std::size_t i = 0, j = 0; i < kPoints; ++i) {
    reversed_[i] = j;
    std::size_t bit = kPoints / 2;
    for (; bit > 0 && (j & bit) != 0; bit /= 2) j ^= bit;
    j |= bit;
  }
}

// The first two stages, whose factors are 1 and -i, on the samples in bit-reversed order.
void SpectrumPair::begin(const float* a, const float* b) {
  for (std::size_t first = 0; first < kPoints; first += 4) {
    std::array<float, 4> re;
    std::array<float, 4> im;
    for (std::size_t i = 0; i < 4; ++i) {
      const std::size_t from = reversed_[first + i];
      re[i] = a[from] * window_[from];
      im[i] = b[from] * window_[from];
    }
    const float re01 = re[0] + re[1];
    const float im01 = im[0] + im[1];
    const float re23 = re[2] + re[3];
    const float im23 = im[2] + im[3];
    const float re0 = re[0] - re[1];
    const float im0 = im[0] - im[1];
    const float re2 = re[2] - re[3];
    const float im2 = im[2] - im[3];
    re_[first] = re01 + re23;
    im_[first] = im01 + im23;
    re_[first + 1] = re0 + im2;
    im_[first + 1] = im0 - re2;
    re_[first + 2] = re01 - re23;
    im_[first + 2] = im01 - im23;
    re_[first + 3] = re0 - im2;
    im_[first + 3] = im0 + re2;
  }
}

void SpectrumPair::compute(const float* a, const float* b, Power& power_a, Power& power_b) {
  begin(a, b);
  // Radix 2, decimation in time (Cooley & Tukey 1965).
  for (std::size_t half = 4; half < kPoints; half *= 2) {
    const float* c = cos_.data() + (half - 1);
    const float* s = sin_.data() + (half - 1);
    for (std::size_t first = 0; first < kPoints; first += 2 * half) {
      float* __restrict re0 = re_.data() + first;
      float* __restrict im0 = im_.data() + first;
      float* __restrict re1 = re0 + half;
      float* __restrict im1 = im0 + half;
      for (std::size_t k = 0; k < half; ++k) {
        const float re = re1[k] * c[k] - im1[k] * s[k];
        const float im = re1[k] * s[k] + im1[k] * c[k];
        re1[k] = re0[k] - re;
        im1[k] = im0[k] - im;
        re0[k] += re;
        im0[k] += im;
      }
    }
  }
  // One signal was the real part, the other the imaginary one: their spectra are the even and the odd half.
  power_a[0] = re_[0] * re_[0];
  power_b[0] = im_[0] * im_[0];
  const float* re_from_end = re_.data() + kPoints;
  const float* im_from_end = im_.data() + kPoints;
  for (std::size_t bin = 1; bin < kBins; ++bin) {
    const auto mirror = -static_cast<std::ptrdiff_t>(bin);
    const float even_re = re_[bin] + re_from_end[mirror];
    const float even_im = im_[bin] - im_from_end[mirror];
    const float odd_re = im_[bin] + im_from_end[mirror];
    const float odd_im = re_from_end[mirror] - re_[bin];
    power_a[bin] = 0.25F * (even_re * even_re + even_im * even_im);
    power_b[bin] = 0.25F * (odd_re * odd_re + odd_im * odd_im);
  }
}

}  // namespace amanuensis::pipeline
