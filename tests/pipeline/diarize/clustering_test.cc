#include "pipeline/diarize/clustering.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

#include "pipeline/diarize/resegmentation.h"

namespace amanuensis::pipeline {
namespace {

constexpr std::size_t kWidth = 16;

// Noisy vectors of `speakers` directions at right angles, in turn.
std::vector<float> voices(std::size_t count, std::size_t speakers, float noise) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal(0, noise);
  std::vector<float> values(count * kWidth);
  for (std::size_t i = 0; i < count; ++i) {
    float norm = 0;
    for (std::size_t c = 0; c < kWidth; ++c) {
      float& x = values[i * kWidth + c];
      x = normal(random) + (c == i % speakers ? 1.0F : 0.0F);
      norm += x * x;
    }
    for (std::size_t c = 0; c < kWidth; ++c) values[i * kWidth + c] /= std::sqrt(norm);
  }
  return values;
}

void expect_by_speaker(const std::vector<std::size_t>& labels, std::size_t speakers) {
  EXPECT_EQ(std::set<std::size_t>(labels.begin(), labels.end()).size(), speakers);
  for (std::size_t i = 0; i < labels.size(); ++i) EXPECT_EQ(labels[i], labels[i % speakers]) << i;
}

TEST(Clustering, FindsTheSpeakersAndTheirNumber) {
  for (const std::size_t speakers : {1, 2, 5}) {
    const std::vector<float> values = voices(60, speakers, 0.1F);
    expect_by_speaker(cluster_voices({values, kWidth}, std::vector<float>(60, 1.0F), {}), speakers);
  }
}

TEST(Clustering, BlocksGiveWhatOneGoGives) {
  const std::vector<float> values = voices(700, 4, 0.1F);
  ClusterOptions options;
  options.block = 100;
  expect_by_speaker(cluster_voices({values, kWidth}, std::vector<float>(700, 1.0F), options), 4);
}

TEST(Clustering, FoundOtherwiseTheySettle) {
  const std::vector<float> values = voices(60, 4, 0.1F);
  const std::vector<float> weights(60, 1.0F);
  // Numbers 1, 3, 5, 7 for the speakers, and one vector of the second is a speaker of its own.
  std::vector<std::size_t> labels(60);
  for (std::size_t i = 0; i < 60; ++i) labels[i] = 2 * (i % 4) + 1;
  labels[5] = 8;
  ClusterOptions options;
  options.min_weight = 3;
  expect_by_speaker(settle_clusters({values, kWidth}, weights, labels, 9, options), 4);
  options.max_clusters = 2;
  const auto two = settle_clusters({values, kWidth}, weights, labels, 9, options);
  EXPECT_EQ(std::set<std::size_t>(two.begin(), two.end()), (std::set<std::size_t>{0, 1}));
}

TEST(Clustering, SettledClustersOfOneVoiceAreOneUnlessMoreAreAskedFor) {
  const std::vector<float> values = voices(40, 2, 0.1F);
  const std::vector<float> weights(40, 1.0F);
  std::vector<std::size_t> labels(40);  // each speaker by two names, one half of the recording each
  for (std::size_t i = 0; i < 40; ++i) labels[i] = i % 2 + (i < 20 ? 0 : 2);
  ClusterOptions options;
  expect_by_speaker(settle_clusters({values, kWidth}, weights, labels, 4, options), 2);
  options.min_clusters = 3;
  const auto three = settle_clusters({values, kWidth}, weights, labels, 4, options);
  EXPECT_EQ(std::set<std::size_t>(three.begin(), three.end()).size(), 3U);
  options.min_clusters = 1;
  options.same_centre = 2;                                                               // never
  expect_by_speaker(settle_clusters({values, kWidth}, weights, labels, 4, options), 2);  // no valley
  options.same_without_valley = 2;
  EXPECT_EQ(settle_clusters({values, kWidth}, weights, labels, 4, options), labels);
}

TEST(Clustering, KeepsToTheNumberAskedFor) {
  const std::vector<float> values = voices(40, 4, 0.1F);
  ClusterOptions options;
  options.min_clusters = 2;
  options.max_clusters = 2;
  const auto fewer = cluster_voices({values, kWidth}, std::vector<float>(40, 1.0F), options);
  EXPECT_EQ(std::set<std::size_t>(fewer.begin(), fewer.end()).size(), 2U);
  options.min_clusters = options.max_clusters.emplace(6);
  const auto more = cluster_voices({values, kWidth}, std::vector<float>(40, 1.0F), options);
  EXPECT_EQ(std::set<std::size_t>(more.begin(), more.end()).size(), 6U);
}

TEST(Clustering, FewerPiecesThanSpeakersAskedForAreEachTheirOwn) {
  const std::vector<float> values = voices(2, 2, 0.1F);
  ClusterOptions options;
  options.min_clusters = options.max_clusters.emplace(5);
  EXPECT_EQ(cluster_voices({values, kWidth}, std::vector<float>(2, 1.0F), options), (std::vector<std::size_t>{0, 1}));
  EXPECT_TRUE(cluster_voices({{}, kWidth}, {}, options).empty());
}

TEST(Clustering, GroupsOfLittleWeightAreAbsorbed) {
  const std::vector<float> values = voices(30, 3, 0.05F);
  std::vector<float> weights(30, 1.0F);
  for (std::size_t i = 2; i < 30; i += 3) weights[i] = 0.01F;
  ClusterOptions options;
  options.min_weight = 1;
  const auto labels = cluster_voices({values, kWidth}, weights, options);
  EXPECT_EQ(std::set<std::size_t>(labels.begin(), labels.end()).size(), 2U);
}

TEST(Resegmentation, MovesABoundaryToWhereTheVoiceChanges) {
  const std::vector<float> both = voices(20, 2, 0.05F);
  std::vector<float> values;
  std::vector<SpeechSpan> cells;
  std::vector<std::size_t> labels;
  for (std::size_t i = 0; i < 20; ++i) {
    const std::size_t source = i < 12 ? 2 * (i % 10) : 2 * (i % 10) + 1;
    values.insert(values.end(), both.begin() + static_cast<std::ptrdiff_t>(source * kWidth),
                  both.begin() + static_cast<std::ptrdiff_t>((source + 1) * kWidth));
    cells.push_back({i * 4000, (i + 1) * 4000});
    labels.push_back(i < 9 ? 0 : 1);
  }
  resegment(cells, {values, kWidth}, 2, {}, labels);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(labels[i], i < 12 ? 0U : 1U) << i;
}

}  // namespace
}  // namespace amanuensis::pipeline
