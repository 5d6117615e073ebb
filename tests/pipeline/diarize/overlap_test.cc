#include "pipeline/diarize/overlap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace amanuensis::pipeline {
namespace {

using Turns = std::vector<SpeakerTurn>;

// One speaks throughout; `several` of them in frames [first, last) of 20 ms.
SpeechActivity activity_with(std::size_t frames, std::size_t first, std::size_t last, std::size_t several) {
  SpeechActivity activity;
  activity.frames.assign(frames, {0, 1});
  for (std::size_t i = first; i < last; ++i) {
    activity.frames[i] = {};
    activity.frames[i][several] = 1;
  }
  return activity;
}

TEST(Overlap, IsCountedWhereTheActivitySaysSo) {
  for (const std::uint8_t several : std::array<std::uint8_t, 3>{2, 3, 4}) {
    const std::vector<std::uint8_t> counts =
        count_overlapping(activity_with(200, 50, 150, several), {.least = {0.5, 0.5, 0.5}});
    ASSERT_EQ(counts.size(), 200U);
    EXPECT_EQ(counts[20], 0);
    EXPECT_EQ(counts[100], several);
    EXPECT_EQ(counts[180], 0);
    EXPECT_NEAR(static_cast<double>(std::ranges::count(counts, several)), 100, 2);
  }
}

TEST(Overlap, AShortOneIsNone) {
  const OverlapOptions options{.least = {0.5, 0.5, 0.5}, .min_s = 0.5};
  EXPECT_EQ(std::ranges::count(count_overlapping(activity_with(200, 50, 70, 2), options), 0), 200);
  // Three for a moment within two for longer are two.
  SpeechActivity activity = activity_with(200, 50, 150, 2);
  for (std::size_t i = 90; i < 110; ++i) activity.frames[i] = {0, 0, 0, 1, 0};
  const std::vector<std::uint8_t> counts = count_overlapping(activity, options);
  EXPECT_EQ(std::ranges::count(counts, 3), 0);
  EXPECT_EQ(counts[100], 2);
}

TEST(Overlap, EveryCountHasItsThreshold) {
  SpeechActivity activity;
  activity.frames.assign(100, {0, 0.1F, 0.3F, 0.2F, 0.4F});  // at least two 0.9, three 0.6, four 0.4
  EXPECT_EQ(count_overlapping(activity, {.least = {0.8, 0.7, 0.5}})[50], 2);
  EXPECT_EQ(count_overlapping(activity, {.least = {0.8, 0.5, 0.5}})[50], 3);
  EXPECT_EQ(count_overlapping(activity, {.least = {0.8, 0.7, 0.3}})[50], 4);
  EXPECT_EQ(count_overlapping(activity, {.least = {0.95, 0.7, 0.5}})[50], 0);
}

TEST(Overlap, TakesMoreWhereOneVoiceExplainsWhatIsHeard) {
  SpeechActivity activity;
  activity.frames.assign(200, {0, 0.4F, 0.6F});
  std::vector<bool> sure(200);
  std::fill(sure.begin() + 100, sure.end(), true);
  const OverlapOptions options{.least = {0.5, 0.5, 0.5}, .least_where_sure = 0.75};
  const std::vector<std::uint8_t> counts = count_overlapping(activity, options, sure);
  EXPECT_EQ(counts[50], 2);
  EXPECT_EQ(counts[150], 0);
  activity.frames.assign(200, {0, 0.1F, 0.9F});
  EXPECT_EQ(count_overlapping(activity, options, sure)[150], 2);
}

TEST(Overlap, ManyMustBeThereWhereManySpeakForLong) {
  std::vector<std::uint8_t> counts(2000);
  EXPECT_EQ(most_at_once(counts, 30), 1U);
  std::fill(counts.begin(), counts.begin() + 99, std::uint8_t{2});  // 1.98 s
  EXPECT_EQ(most_at_once(counts, 10), 1U);
  std::fill(counts.begin(), counts.begin() + 150, std::uint8_t{3});
  EXPECT_EQ(most_at_once(counts, 20), 3U);
  EXPECT_EQ(most_at_once(counts, 40), 1U);  // 3 s are little of 40
  std::fill(counts.begin() + 150, counts.begin() + 250, std::uint8_t{2});
  EXPECT_EQ(most_at_once(counts, 40), 2U);
}

TEST(Overlap, NoActivityIsNoOverlap) { EXPECT_TRUE(count_overlapping({}, {}).empty()); }

TEST(Overlap, TheNearestInTimeJoinIn) {
  std::vector<std::uint8_t> counts(500);
  std::fill(counts.begin() + 150, counts.begin() + 180, std::uint8_t{2});
  Turns turns{{0, 1, 1}, {2, 4, 0}, {4, 6, 2}, {6, 8, 1}};
  add_more_speakers(counts, 3, turns);
  ASSERT_EQ(turns.size(), 5U);
  EXPECT_EQ(turns[4], (SpeakerTurn{3, 3.6, 2}));
}

TEST(Overlap, WhereMoreThanTwoSpeakTwoJoinIn) {
  std::vector<std::uint8_t> counts(500);
  std::fill(counts.begin() + 150, counts.begin() + 180, std::uint8_t{3});
  Turns turns{{0, 1, 1}, {2, 4, 0}, {4, 6, 2}, {20, 21, 3}};
  add_more_speakers(counts, 4, turns);
  ASSERT_EQ(turns.size(), 6U);
  EXPECT_EQ(turns[4], (SpeakerTurn{3, 3.6, 2}));
  EXPECT_EQ(turns[5], (SpeakerTurn{3, 3.6, 1}));  // and not the one whose turn is far away
}

TEST(Overlap, NobodyElseIsNobodyMore) {
  const std::vector<std::uint8_t> counts(100, 2);
  Turns turns{{0, 2, 0}};
  add_more_speakers(counts, 1, turns);
  EXPECT_EQ(turns.size(), 1U);
}

}  // namespace
}  // namespace amanuensis::pipeline
