#include "pipeline/diarize/pauses.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "pipeline/diarize/turns.h"

namespace amanuensis::pipeline {
namespace {

constexpr double kMinTurnS = 0.2;
constexpr float kBackground = -14;
constexpr float kSpeech = -4;

// A minute by frames of 20 ms: background, and speech between the seconds given.
std::vector<float> level_of(const std::vector<std::pair<double, double>>& speech) {
  std::vector<float> level(3000, kBackground);
  for (const auto& [start_s, end_s] : speech) {
    std::fill(level.begin() + std::lround(start_s * 50), level.begin() + std::lround(end_s * 50), kSpeech);
  }
  return level;
}

void expect_turns(const std::vector<SpeakerTurn>& found, const std::vector<SpeakerTurn>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_NEAR(found[i].start_s, expected[i].start_s, 0.045) << i;
    EXPECT_NEAR(found[i].end_s, expected[i].end_s, 0.045) << i;
    EXPECT_EQ(found[i].speaker, expected[i].speaker) << i;
  }
}

TEST(Pauses, BetweenTwoSpeakersAndBehindTheLastWordAreTakenOut) {
  const auto level = level_of({{1, 4}, {4.6, 9}, {9.6, 12}});
  expect_turns(without_pauses(std::vector<SpeakerTurn>{{0.9, 4.3, 0}, {4.3, 9.3, 1}, {9.3, 12.4, 0}}, level, kMinTurnS),
               {{1, 4, 0}, {4.6, 9, 1}, {9.6, 12, 0}});
}

TEST(Pauses, ShortOnesStayInATurnThatGoesOn) {
  const auto level = level_of({{1, 4}, {4.8, 9}, {10.5, 12}});
  expect_turns(without_pauses(std::vector<SpeakerTurn>{{1, 12, 0}}, level, kMinTurnS), {{1, 9, 0}, {10.5, 12, 0}});
}

TEST(Pauses, NobodyElseBeginsInAPauseThatStays) {
  const auto level = level_of({{1, 4}, {4.8, 9}});
  expect_turns(without_pauses(std::vector<SpeakerTurn>{{1, 9, 0}, {4.2, 6, 1}}, level, kMinTurnS),
               {{1, 9, 0}, {4.8, 6, 1}});
}

TEST(Pauses, WhereTwoGoOnItIsNobodys) {
  const auto level = level_of({{1, 4}, {4.8, 9}});
  expect_turns(without_pauses(std::vector<SpeakerTurn>{{1, 9, 0}, {2, 8, 1}}, level, kMinTurnS),
               {{1, 4, 0}, {2, 4, 1}, {4.8, 9, 0}, {4.8, 8, 1}});
}

TEST(Pauses, WhatIsLeftAndShortGoesWithThem) {
  const auto level = level_of({{1, 4}, {5.5, 9}});
  expect_turns(without_pauses(std::vector<SpeakerTurn>{{1, 5.6, 0}, {5.6, 9, 1}}, level, kMinTurnS),
               {{1, 4, 0}, {5.6, 9, 1}});
  // A turn that was short before is no rest of one.
  expect_turns(without_pauses(std::vector<SpeakerTurn>{{1, 1.1, 0}, {1.1, 4, 1}}, level, kMinTurnS),
               {{1, 1.1, 0}, {1.1, 4, 1}});
}

TEST(Pauses, NeedALevelThatGoesDownToTheBackground) {
  const std::vector<SpeakerTurn> turns{{1, 4.3, 0}, {4.3, 9, 1}};
  EXPECT_EQ(without_pauses(turns, {}, kMinTurnS), turns);
  EXPECT_EQ(without_pauses({}, level_of({{1, 4}}), kMinTurnS), std::vector<SpeakerTurn>{});
  EXPECT_EQ(without_pauses(turns, std::vector<float>(3000, kSpeech), kMinTurnS), turns);
  // Half as loud in nepers is a voice further away.
  auto level = level_of({{1, 9}});
  std::fill(level.begin() + 200, level.begin() + 230, (kBackground + kSpeech) / 2);
  EXPECT_EQ(without_pauses(turns, level, kMinTurnS), turns);
  // Shorter than a closed lip may last.
  level = level_of({{1, 4.2}, {4.4, 9}});
  EXPECT_EQ(without_pauses(turns, level, kMinTurnS), turns);
}

}  // namespace
}  // namespace amanuensis::pipeline
