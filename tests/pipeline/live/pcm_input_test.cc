#include "pipeline/live/pcm_input.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <numbers>
#include <string>

#include "base/error.h"
#include "support/error_of.h"

namespace amanuensis::pipeline {
namespace {

std::string tone(double hz, double rate_hz, double seconds) {
  std::string bytes;
  for (int i = 0; i < static_cast<int>(rate_hz * seconds); ++i) {
    const double value = 0.5 * std::sin(2 * std::numbers::pi * hz * i / rate_hz);
    const auto sample = static_cast<std::int16_t>(std::lround(value * 32768));
    bytes += static_cast<char>(sample & 255);
    bytes += static_cast<char>((sample >> 8) & 255);
  }
  return bytes;
}

std::vector<float> all_of(PcmInput& input, const std::string& bytes, std::size_t piece) {
  std::vector<float> samples;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    const std::vector<float> some = input.push(std::string_view(bytes).substr(at, piece));
    samples.insert(samples.end(), some.begin(), some.end());
  }
  const std::vector<float> rest = input.finish();
  samples.insert(samples.end(), rest.begin(), rest.end());
  return samples;
}

TEST(PcmInput, PassesSixteenKilohertzThroughHoweverItIsCut) {
  const std::string bytes = tone(440, 16000, 0.1);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{640}, bytes.size()}) {
    PcmInput input(PcmEncoding::kS16le, 16000);
    const std::vector<float> samples = all_of(input, bytes, piece);
    ASSERT_EQ(samples.size(), 1600U) << piece;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const double expected = 0.5 * std::sin(2 * std::numbers::pi * 440 * static_cast<double>(i) / 16000);
      ASSERT_NEAR(samples[i], expected, 2e-5) << i;
    }
  }
}

TEST(PcmInput, KeepsTonesInPlaceFromOtherRates) {
  for (const double rate_hz : {8000.0, 11025.0, 24000.0, 44100.0, 48000.0}) {
    for (const std::size_t piece : {std::size_t{997}, std::size_t{1} << 20}) {
      PcmInput input(PcmEncoding::kS16le, rate_hz);
      const std::vector<float> samples = all_of(input, tone(1000, rate_hz, 0.5), piece);
      ASSERT_NEAR(static_cast<double>(samples.size()), 8000, 4) << rate_hz;
      for (std::size_t i = 400; i < 7600; ++i) {
        const double expected = 0.5 * std::sin(2 * std::numbers::pi * 1000 * static_cast<double>(i) / 16000);
        ASSERT_NEAR(samples[i], expected, 2e-3) << rate_hz << " Hz, sample " << i;
      }
    }
  }
}

TEST(PcmInput, LeavesOutWhatCannotBeHadAtSixteenKilohertz) {
  PcmInput input(PcmEncoding::kS16le, 48000);
  const std::vector<float> samples = all_of(input, tone(11000, 48000, 0.5), 4096);
  for (std::size_t i = 400; i < 7600; ++i) ASSERT_LT(std::abs(samples[i]), 0.01F) << i;
}

TEST(PcmInput, ReadsTelephoneSound) {
  // ITU-T G.711: the codes of silence and of both extremes.
  PcmInput mu(PcmEncoding::kMuLaw, 16000);
  const std::vector<float> mu_samples = mu.push(std::string("\xFF\x80\x00", 3));
  EXPECT_EQ(mu_samples[0], 0);
  EXPECT_FLOAT_EQ(mu_samples[1], 32124.0F / 32768);
  EXPECT_FLOAT_EQ(mu_samples[2], -32124.0F / 32768);
  PcmInput a(PcmEncoding::kALaw, 16000);
  const std::vector<float> a_samples = a.push(std::string("\xD5\xAA\x2A", 3));
  EXPECT_FLOAT_EQ(a_samples[0], 8.0F / 32768);
  EXPECT_FLOAT_EQ(a_samples[1], 32256.0F / 32768);
  EXPECT_FLOAT_EQ(a_samples[2], -32256.0F / 32768);
}

TEST(PcmInput, RefusesRatesThatMakeNoSense) {
  for (const double rate_hz : {0.0, -1.0, 100.0, 1e9, std::nan("")}) {
    EXPECT_EQ(test::error_of([&] { PcmInput input(PcmEncoding::kS16le, rate_hz); }).code, ErrorCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace amanuensis::pipeline
