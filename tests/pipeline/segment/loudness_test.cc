// Where speech is cut when it must be cut.
#include "pipeline/segment/loudness.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace amanuensis::pipeline {
namespace {

constexpr std::size_t kSecond = 16'000;

struct Pause {
  double at_s = 0;
  double level = 0;  // amplitude; speech has 0.5
};

LoudnessProfile profile_of(double length_s, const std::vector<Pause>& pauses) {
  std::vector<float> samples(static_cast<std::size_t>(length_s * kSecond));
  for (std::size_t i = 0; i < samples.size(); ++i) {
    double level = 0.5;
    for (const Pause& pause : pauses) {
      if (std::abs(static_cast<double>(i) / kSecond - pause.at_s) < 0.15) level = pause.level;
    }
    samples[i] = static_cast<float>(i % 2 == 0 ? level : -level);
  }
  LoudnessProfile profile;
  profile.push(samples);
  return profile;
}

double cut_s(const LoudnessProfile& profile, double first_s, double last_s) {
  return static_cast<double>(profile.quietest(static_cast<std::size_t>(first_s * kSecond),
                                              static_cast<std::size_t>(last_s * kSecond))) /
         kSecond;
}

TEST(LoudnessProfile, CutsInTheQuietestPause) {
  EXPECT_NEAR(cut_s(profile_of(30, {{22, 0.01}, {26, 0.1}}), 20, 30), 22, 0.1);
}

TEST(LoudnessProfile, OfPausesAboutAsQuietTheLastIsTaken) {
  EXPECT_NEAR(cut_s(profile_of(30, {{22, 0.010}, {26, 0.013}, {28, 0.02}}), 20, 30), 26, 0.1);
}

TEST(LoudnessProfile, WithoutAPauseTheEndIsTaken) { EXPECT_NEAR(cut_s(profile_of(30, {}), 20, 30), 29.92, 1e-9); }

TEST(LoudnessProfile, PausesOutsideTheRangeAreNotSeen) {
  EXPECT_NEAR(cut_s(profile_of(30, {{10, 0.0}, {25, 0.1}, {29.9, 0.0}}), 20, 29), 25, 0.1);
}

TEST(LoudnessProfile, ARangeTooShortToChooseInGivesItsEnd) {
  const LoudnessProfile profile = profile_of(1, {});
  EXPECT_EQ(profile.quietest(100, 150), 150U);
}

TEST(LoudnessProfile, SamplesThatAreNoNumbersGiveAPlaceInTheRange) {
  LoudnessProfile profile;
  profile.push(std::vector<float>(kSecond, std::numeric_limits<float>::quiet_NaN()));
  const std::size_t cut = profile.quietest(0, kSecond);
  EXPECT_GT(cut, 0U);
  EXPECT_LE(cut, kSecond);
}

}  // namespace
}  // namespace amanuensis::pipeline
