#include "kernels/fft/power_spectrum.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

#include "base/cpu_features.h"
#include "kernels/fft/twiddles.h"
#include "support/kernel_data.h"

namespace amanuensis::kernels {
namespace {

// |X[k]| for k = 0 .. 200: the defining sum, in double precision.
std::vector<double> reference_amplitudes(const float* frame, const std::vector<float>& window) {
  std::vector<double> amplitudes(kSpectrumBins);
  for (std::size_t k = 0; k < kSpectrumBins; ++k) {
    std::complex<double> sum = 0;
    for (std::size_t n = 0; n < kFftLength; ++n) {
      const double angle = -2 * std::numbers::pi * static_cast<double>(n * k % kFftLength) / kFftLength;
      sum += static_cast<double>(window[n]) * frame[n] * std::polar(1.0, angle);
    }
    amplitudes[k] = std::abs(sum);
  }
  return amplitudes;
}

double norm_of(const float* frame, const std::vector<float>& window) {
  double sum = 0;
  for (std::size_t n = 0; n < kFftLength; ++n) sum += std::pow(static_cast<double>(window[n]) * frame[n], 2);
  return std::sqrt(kFftLength * sum);
}

std::vector<PowerSpectrumVariant> runnable() {
  std::vector<PowerSpectrumVariant> found;
  for (const PowerSpectrumVariant& variant : power_spectrum_variants()) {
    if (runs_on(variant.isa, detect_cpu_features())) found.push_back(variant);
  }
  return found;
}

TEST(PowerSpectrum, TheScalarFormIsLastAndAlwaysThere) {
  ASSERT_FALSE(power_spectrum_variants().empty());
  EXPECT_EQ(power_spectrum_variants().back().isa, Isa::kScalar);
}

TEST(PowerSpectrum, EveryVariantMatchesTheDefiningSumForEveryNumberOfFrames) {
  const std::vector<float> window = test::random_values(kFftLength, 3, 0, 1);
  for (const PowerSpectrumVariant& variant : runnable()) {
    for (const std::size_t hop : {1U, 160U, 161U, 400U}) {
      for (const std::size_t frames : {1U, 2U, 7U, 8U, 9U, 15U, 16U}) {
        // One float off any alignment, and exactly as long as the contract says (the address sanitizer checks).
        const std::vector<float> memory = test::random_values(1 + (frames - 1) * hop + kFftLength, 7);
        const float* samples = memory.data() + 1;
        test::GuardedMatrix power(kSpectrumBins, kFrameLanes);
        variant.run(samples, hop, frames, window.data(), power.data());
        ASSERT_TRUE(power.guards_intact()) << to_string(variant.isa) << " hop " << hop << " frames " << frames;
        for (const std::size_t lane : {std::size_t{0}, frames / 2, frames - 1, kFrameLanes - 1}) {
          const float* frame = samples + std::min(lane, frames - 1) * hop;
          const std::vector<double> expected = reference_amplitudes(frame, window);
          const double tolerance = variant.max_relative_error * norm_of(frame, window);
          for (std::size_t k = 0; k < kSpectrumBins; ++k) {
            ASSERT_NEAR(std::sqrt(static_cast<double>(power.view()(k, lane))), expected[k], tolerance)
                << to_string(variant.isa) << " hop " << hop << " frames " << frames << " lane " << lane << " bin " << k;
          }
        }
      }
    }
  }
}

TEST(PowerSpectrum, AnImpulseIsFlatAndAToneIsOneLine) {
  const std::vector<float> window(kFftLength, 1.0F);
  for (const PowerSpectrumVariant& variant : runnable()) {
    std::vector<float> power(kSpectrumBins * kFrameLanes);
    for (const std::size_t position : {0U, 1U, 24U, 25U, 199U, 200U, 399U}) {
      std::vector<float> impulse(kFftLength);
      impulse[position] = 1;
      variant.run(impulse.data(), 1, 1, window.data(), power.data());
      for (std::size_t k = 0; k < kSpectrumBins; ++k) {
        ASSERT_NEAR(power[k * kFrameLanes], 1.0F, 1e-6F)
            << to_string(variant.isa) << " at " << position << " bin " << k;
      }
    }
    for (const std::size_t line : {1U, 8U, 25U, 99U, 100U, 101U, 199U}) {
      std::vector<float> tone(kFftLength);
      for (std::size_t n = 0; n < kFftLength; ++n) {
        tone[n] = static_cast<float>(std::cos(2 * std::numbers::pi * static_cast<double>(n * line % 400) / 400));
      }
      variant.run(tone.data(), 1, 1, window.data(), power.data());
      for (std::size_t k = 0; k < kSpectrumBins; ++k) {
        ASSERT_NEAR(power[k * kFrameLanes], k == line ? 40000.0F : 0.0F, k == line ? 0.05F : 1e-7F * 40000)
            << to_string(variant.isa) << " line " << line << " bin " << k;
      }
    }
  }
}

TEST(PowerSpectrum, AFrameDoesNotDependOnItsNeighbours) {
  const std::vector<float> window(kFftLength, 1.0F);
  for (const PowerSpectrumVariant& variant : runnable()) {
    const std::vector<float> samples = test::random_values(15 * 160 + kFftLength, 11);
    std::vector<float> together(kSpectrumBins * kFrameLanes);
    std::vector<float> alone(kSpectrumBins * kFrameLanes);
    variant.run(samples.data(), 160, 16, window.data(), together.data());
    for (std::size_t lane = 0; lane < kFrameLanes; ++lane) {
      variant.run(samples.data() + lane * 160, 160, 1, window.data(), alone.data());
      for (std::size_t k = 0; k < kSpectrumBins; ++k) {
        ASSERT_EQ(alone[k * kFrameLanes], together[k * kFrameLanes + lane]) << to_string(variant.isa);
      }
    }
  }
}

TEST(PowerSpectrum, RootsOfUnityAreExactToHalfAUnit) {
  for (const std::size_t n : {5U, 8U, 25U, 400U}) {
    for (std::size_t k = 0; k < 2 * n; ++k) {
      const Root root = root_of_unity(k, n);
      const double angle = -2 * std::numbers::pi * static_cast<double>(k % n) / static_cast<double>(n);
      EXPECT_NEAR(root.re, std::cos(angle), 6e-8) << k << " of " << n;
      EXPECT_NEAR(root.im, std::sin(angle), 6e-8) << k << " of " << n;
    }
  }
}

}  // namespace
}  // namespace amanuensis::kernels
