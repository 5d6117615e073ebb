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

void SpectrumPair::compute(const float* a, const float* b, Power& power_a, Power& power_b) {
  for (std::size_t i = 0; i < kPoints; ++i) {
    re_[reversed_[i]] = a[i] * window_[i];
    im_[reversed_[i]] = b[i] * window_[i];
  }
  // Radix 2, decimation in time (Cooley & Tukey 1965).
  for (std::size_t half = 1; half < kPoints; half *= 2) {
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
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    const std::size_t mirror = (kPoints - bin) % kPoints;
    const float even_re = re_[bin] + re_[mirror];
    const float even_im = im_[bin] - im_[mirror];
    const float odd_re = im_[bin] + im_[mirror];
    const float odd_im = re_[mirror] - re_[bin];
    power_a[bin] = 0.25F * (even_re * even_re + even_im * even_im);
    power_b[bin] = 0.25F * (odd_re * odd_re + odd_im * odd_im);
  }
}

}  // namespace amanuensis::pipeline
