#include "pipeline/diarize/bayesian_speakers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>

namespace amanuensis::pipeline {
namespace {

constexpr std::size_t kWidth = 8;

model::VoiceSpace space_of(float between) {
  model::VoiceSpace space;
  space.mean.assign(kWidth, 0.0F);
  space.transform.assign(kWidth * kWidth, 0.0F);
  for (std::size_t c = 0; c < kWidth; ++c) space.transform[c * kWidth + c] = 1;
  space.between.assign(kWidth, between);
  return space;
}

// Turns of `turn` cells by each speaker in turn; speaker k stands out in direction k.
std::vector<float> recording(std::size_t cells, std::size_t speakers, std::size_t turn, float apart) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> values(cells * kWidth);
  for (std::size_t i = 0; i < cells; ++i) {
    for (std::size_t c = 0; c < kWidth; ++c) {
      values[i * kWidth + c] = normal(random) + (c == i / turn % speakers ? apart : 0.0F);
    }
  }
  return values;
}

std::vector<SpeechSpan> cells_without_pauses(std::size_t count) {
  std::vector<SpeechSpan> cells;
  for (std::size_t i = 0; i < count; ++i) cells.push_back({i * 4000, (i + 1) * 4000});
  return cells;
}

std::size_t distinct(const std::vector<std::size_t>& labels) {
  return std::set<std::size_t>(labels.begin(), labels.end()).size();
}

TEST(BayesianSpeakers, ThoseWhoExplainNothingFadeAway) {
  constexpr std::size_t kCells = 600;
  for (const std::size_t speakers : {1, 2, 3}) {
    const std::vector<float> values = recording(kCells, speakers, 20, 6);
    // Twice as many as there are: each speaker's turns by two names in turn.
    std::vector<std::size_t> labels(kCells);
    for (std::size_t i = 0; i < kCells; ++i) labels[i] = i / 20 % (2 * speakers);
    const std::vector<SpeechSpan> cells = cells_without_pauses(kCells);
    labels = explain_voices({cells, values}, space_of(6), {}, 2 * speakers, labels).labels;
    EXPECT_EQ(distinct(labels), speakers);
    for (std::size_t i = 0; i < kCells; ++i) {
      EXPECT_EQ(labels[i], labels[i / 20 % speakers * 20 + 10]) << speakers << " speakers, cell " << i;
    }
  }
}

TEST(BayesianSpeakers, TheMarginIsSmallWhereACellIsBetweenTwoVoices) {
  constexpr std::size_t kCells = 200;
  constexpr std::size_t kBetween = 50;  // within a turn of the first
  std::vector<float> values = recording(kCells, 2, 20, 6);
  for (std::size_t c = 0; c < kWidth; ++c) values[kBetween * kWidth + c] = c < 2 ? 3.0F : 0.0F;
  std::vector<std::size_t> labels(kCells);
  for (std::size_t i = 0; i < kCells; ++i) labels[i] = i / 20 % 2;
  const std::vector<SpeechSpan> cells = cells_without_pauses(kCells);
  const std::vector<float> margins = explain_voices({cells, values}, space_of(6), {}, 2, labels).margins;
  ASSERT_EQ(margins.size(), kCells);
  EXPECT_LT(std::abs(margins[kBetween]), 1.0F);
  EXPECT_GT(margins[kBetween - 1], 3.0F);
  EXPECT_GT(margins[kBetween + 1], 3.0F);
}

TEST(BayesianSpeakers, OneSpeakerOrNothingStaysAsItIs) {
  std::vector<std::size_t> labels(10, 0);
  const std::vector<SpeechSpan> cells = cells_without_pauses(10);
  const VoiceExplanation one = explain_voices({cells, recording(10, 1, 20, 6)}, space_of(6), {}, 1, labels);
  EXPECT_EQ(one.labels, std::vector<std::size_t>(10, 0));
  EXPECT_EQ(one.margins, std::vector<float>(10, std::numeric_limits<float>::infinity()));
  EXPECT_TRUE(explain_voices({}, space_of(6), {}, 3, {}).labels.empty());
}

// A guess that takes two voices for one finds nothing better near it; the bound tells that it is worse.
TEST(BayesianSpeakers, TheBoundIsHighestForWhoIsThere) {
  constexpr std::size_t kCells = 400;
  const std::vector<float> values = recording(kCells, 3, 20, 6);
  const std::vector<SpeechSpan> cells = cells_without_pauses(kCells);
  std::vector<std::size_t> right(kCells);
  std::vector<std::size_t> merged(kCells);
  std::vector<std::size_t> one(kCells);
  for (std::size_t i = 0; i < kCells; ++i) {
    right[i] = i / 20 % 3;
    merged[i] = std::min<std::size_t>(right[i], 1);
  }
  const double best = explain_voices({cells, values}, space_of(6), {}, 3, right).bound;
  EXPECT_GT(best, explain_voices({cells, values}, space_of(6), {}, 2, merged).bound + 10);
  EXPECT_GT(best, explain_voices({cells, values}, space_of(6), {}, 1, one).bound + 10);
  // Somebody who is not there explains nothing and costs nothing once faded.
  EXPECT_NEAR(best, explain_voices({cells, values}, space_of(6), {}, 4, right).bound, 10);
}

TEST(BayesianSpeakers, TheSpaceTakesOffTheMeanAndTurns) {
  model::VoiceSpace space;
  space.mean = {1, 2};
  space.transform = {0, 1, 2, 0};  // the second coordinate, then twice the first
  space.between = {1, 1};
  const std::vector<float> values{1, 3, 2, 2};
  EXPECT_EQ(in_voice_space({values, 2}, space), (std::vector<float>{1, 0, 0, 2}));
}

}  // namespace
}  // namespace amanuensis::pipeline
