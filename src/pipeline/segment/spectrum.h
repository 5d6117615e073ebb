// Power spectra for the built-in voice detector. A value with its tables; used by one thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace amanuensis::pipeline {

// Power spectra of 512 samples under a Hann window.
class SpectrumPair {
 public:
  static constexpr std::size_t kPoints = 512;
  static constexpr std::size_t kBins = kPoints / 2 + 1;
  using Power = std::array<float, kBins>;

  SpectrumPair();

  // Two at once, for the price of one complex transform: a and b are kPoints samples each.
  void compute(const float* a, const float* b, Power& power_a, Power& power_b);

 private:
  void begin(const float* a, const float* b);

  std::vector<float> window_;
  std::vector<float> cos_;  // of 2 pi k / 512
  std::vector<float> sin_;
  std::vector<std::size_t> reversed_;
  std::vector<float> re_;
  std::vector<float> im_;
};

}  // namespace amanuensis::pipeline
