#include "kernels/mel/mel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/cpu_features.h"
#include "support/kernel_data.h"

namespace amanuensis::kernels {
namespace {

struct Bank {
  std::vector<MelBand> bands;
  std::vector<float> weights;
  MelBands view() const { return {bands.data(), bands.size(), weights.data()}; }
};

// Bands of 0, 1, 2, ... bins, one bin further each.
Bank stairs(std::size_t count) {
  Bank bank;
  for (std::size_t b = 0; b < count; ++b) {
    bank.bands.push_back({.first_bin = b, .bins = b, .first_weight = bank.weights.size()});
    const std::vector<float> row = test::random_values(b, static_cast<std::uint32_t>(b), 0.001F, 0.05F);
    bank.weights.insert(bank.weights.end(), row.begin(), row.end());
  }
  return bank;
}

double reference(const std::vector<float>& power, const Bank& bank, std::size_t b, std::size_t lane) {
  double sum = 0;
  for (std::size_t j = 0; j < bank.bands[b].bins; ++j) {
    sum += static_cast<double>(bank.weights[bank.bands[b].first_weight + j]) *
           power[(bank.bands[b].first_bin + j) * kMelFrameLanes + lane];
  }
  return std::log10(std::max(sum, static_cast<double>(kMelPowerFloor)));
}

std::vector<LogMelBandsVariant> runnable() {
  std::vector<LogMelBandsVariant> found;
  for (const LogMelBandsVariant& variant : log_mel_bands_variants()) {
    if (runs_on(variant.isa, detect_cpu_features())) found.push_back(variant);
  }
  return found;
}

TEST(LogMelBands, TheScalarReferenceIsLastAndAlwaysThere) {
  ASSERT_FALSE(log_mel_bands_variants().empty());
  EXPECT_EQ(log_mel_bands_variants().back().isa, Isa::kScalar);
}

TEST(LogMelBands, EveryVariantMatchesDoublePrecisionOnHostileShapes) {
  for (const LogMelBandsVariant& variant : runnable()) {
    for (const std::size_t bands : {1U, 2U, 13U, 40U}) {
      const Bank bank = stairs(bands);
      for (std::size_t frames = 1; frames <= kMelFrameLanes; ++frames) {
        // From silence to far beyond full scale.
        std::vector<float> power = test::random_values(2 * bands * kMelFrameLanes, 5, -14, 6);
        for (float& value : power) value = std::pow(10.0F, value);
        test::GuardedMatrix out(bands, frames, frames + 3);
        const float largest = variant.run(power.data(), bank.view(), frames, out.data(), frames + 3);
        ASSERT_TRUE(out.guards_intact()) << to_string(variant.isa) << " bands " << bands << " frames " << frames;
        float seen = -100;
        for (std::size_t b = 0; b < bands; ++b) {
          for (std::size_t f = 0; f < frames; ++f) {
            ASSERT_NEAR(out.view()(b, f), reference(power, bank, b, f), variant.max_abs_error)
                << to_string(variant.isa) << " bands " << bands << " frames " << frames << " at " << b << ", " << f;
            seen = std::max(seen, out.view()(b, f));
          }
        }
        EXPECT_EQ(largest, seen) << to_string(variant.isa) << " bands " << bands << " frames " << frames;
      }
    }
  }
}

TEST(LogMelBands, SilenceIsExactlyTheFloor) {
  const Bank bank = stairs(3);
  const std::vector<float> power(6 * kMelFrameLanes, 0.0F);
  for (const LogMelBandsVariant& variant : runnable()) {
    std::vector<float> out(3 * kMelFrameLanes);
    EXPECT_EQ(variant.run(power.data(), bank.view(), kMelFrameLanes, out.data(), kMelFrameLanes), -10.0F)
        << to_string(variant.isa);
    for (const float value : out) EXPECT_EQ(value, -10.0F) << to_string(variant.isa);
  }
}

}  // namespace
}  // namespace amanuensis::kernels
