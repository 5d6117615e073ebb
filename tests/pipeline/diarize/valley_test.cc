#include "pipeline/diarize/valley.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <vector>

#include "decoding/random.h"
#include "pipeline/diarize/clustering.h"

namespace amanuensis::pipeline {
namespace {

constexpr std::size_t kWidth = 2;

// Points around (place, 0), spread by 1 in both directions.
void scatter(std::size_t count, float place, std::uint64_t seed, std::vector<float>& values) {
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t c = 0; c < kWidth; ++c) {
      // A sum of twelve uniform numbers is all but normal.
      float sum = -6;
      for (std::size_t k = 0; k < 12; ++k) {
        sum += static_cast<float>(decoding::stream_key(seed, i * 100 + c * 20 + k) % 100'000) / 100'000;
      }
      values.push_back(sum + (c == 0 ? place : 0.0F));
    }
  }
}

TEST(Valley, TwoCloudsHaveOneAndTheHalvesOfOneHaveNot) {
  std::vector<float> values;
  scatter(400, 0, 1, values);
  std::vector<std::size_t> halves(400);
  for (std::size_t i = 0; i < 400; ++i) halves[i] = values[i * kWidth] > 0.2F ? 1 : 0;
  std::vector<float> weights(800, 0.25F);
  EXPECT_GT(valley_between({values, kWidth}, weights, halves, 0, 1), 0.8);
  scatter(400, 6, 2, values);
  std::vector<std::size_t> clouds(800);
  for (std::size_t i = 400; i < 800; ++i) clouds[i] = 1;
  EXPECT_LT(valley_between({values, kWidth}, weights, clouds, 0, 1), 0.15);
  EXPECT_DOUBLE_EQ(valley_between({values, kWidth}, weights, clouds, 0, 1),
                   valley_between({values, kWidth}, weights, clouds, 1, 0));
}

TEST(Valley, WhatCountsForLittleFillsNone) {
  std::vector<float> values;
  scatter(200, 0, 1, values);
  scatter(200, 6, 2, values);
  scatter(200, 3, 3, values);  // between them
  std::vector<std::size_t> labels(600);
  for (std::size_t i = 200; i < 600; ++i) labels[i] = i < 400 || i % 2 == 0 ? 1 : 0;
  std::vector<float> weights(600, 1.0F);
  const double filled = valley_between({values, kWidth}, weights, labels, 0, 1);
  for (std::size_t i = 400; i < 600; ++i) weights[i] = 0.01F;
  EXPECT_GT(filled, 0.4);
  EXPECT_LT(valley_between({values, kWidth}, weights, labels, 0, 1), 0.15);
}

TEST(Valley, OnePlaceIsOneCloudAndOtherClustersDoNotMatter) {
  const std::vector<float> same{1, 0, 1, 0, 5, 5};
  EXPECT_EQ(valley_between({same, kWidth}, std::vector<float>(3, 1.0F), std::vector<std::size_t>{0, 1, 2}, 0, 1), 1);
  const std::vector<float> apart{1, 0, 9, 0, 5, 0};
  EXPECT_LT(valley_between({apart, kWidth}, std::vector<float>(3, 1.0F), std::vector<std::size_t>{0, 1, 2}, 0, 1),
            0.01);
}

}  // namespace
}  // namespace amanuensis::pipeline
