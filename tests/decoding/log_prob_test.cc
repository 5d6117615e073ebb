#include "decoding/log_prob.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "decoding/random.h"

namespace amanuensis::decoding {
namespace {

constexpr float kForbidden = -std::numeric_limits<float>::infinity();

TEST(LogProb, LogSumExpNeitherOverflowsNorLosesSmallTerms) {
  const std::vector<float> row = {1000.0F, 1000.0F, kForbidden};
  EXPECT_NEAR(log_sum_exp(row), 1000.0 + std::log(2.0), 1e-9);
  EXPECT_EQ(log_sum_exp({}), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(log_sum_exp(std::vector<float>(3, kForbidden)), -std::numeric_limits<double>::infinity());
  EXPECT_NEAR(log_sum_exp(std::vector<float>(50000, -3.0F)), -3.0 + std::log(50000.0), 1e-9);
}

TEST(LogProb, ASummaryIsTheFirstLargestValueAndTheNormaliser) {
  const std::vector<float> row = {0.0F, std::log(3.0F), kForbidden, std::log(3.0F)};
  EXPECT_EQ(summarise(row).arg_max, 1U);
  EXPECT_NEAR(summarise(row).log_sum_exp, std::log(7.0), 1e-7);
}

TEST(LogProb, ArgMaxTakesTheFirstOfEqualValues) {
  EXPECT_EQ(arg_max(std::vector<float>{1, 5, 5, 2}), 1U);
  EXPECT_EQ(arg_max(std::vector<float>(4, kForbidden)), 0U);
}

TEST(LogProb, TopValuesAreOrderedAndLeaveOutForbiddenTokens) {
  const std::vector<float> row = {3, kForbidden, 7, 3, 9, -1};
  std::array<ScoredIndex, 4> best;
  ASSERT_EQ(top_values(row, best), 4U);
  EXPECT_EQ(best[0].index, 4U);
  EXPECT_EQ(best[1].index, 2U);
  EXPECT_EQ(best[2].index, 0U) << "of equal values the smaller index comes first";
  EXPECT_EQ(best[3].index, 3U);
  const std::vector<float> sparse = {kForbidden, 2, kForbidden};
  EXPECT_EQ(top_values(sparse, best), 1U);
  EXPECT_EQ(best[0].index, 1U);
}

TEST(LogProb, SamplesFollowTheDistributionAtEachTemperature) {
  const std::vector<float> row = {0.0F, 1.0F, kForbidden, 2.0F};
  for (const double temperature : {0.2, 1.0, 3.0}) {
    std::array<double, 4> expected{};
    double sum = 0;
    for (std::size_t i = 0; i < 4; ++i) sum += expected[i] = std::exp(static_cast<double>(row[i]) / temperature);
    constexpr int kDraws = 40000;
    std::array<int, 4> drawn{};
    for (int i = 0; i < kDraws; ++i)
      ++drawn[sample_index(row, temperature, uniform_at(17, static_cast<std::uint64_t>(i)))];
    for (std::size_t i = 0; i < 4; ++i) {
      const double p = expected[i] / sum;
      EXPECT_NEAR(drawn[i], kDraws * p, 5 * std::sqrt(kDraws * p * (1 - p)) + 1e-9) << i << " at " << temperature;
    }
  }
}

TEST(LogProb, SamplingStaysInsideAtTheEdges) {
  const std::vector<float> row = {kForbidden, 1.0F, 1.0F, kForbidden};
  EXPECT_EQ(sample_index(row, 1.0, 0.0), 1U);
  EXPECT_EQ(sample_index(row, 1.0, 0x1.fffffffffffffp-1), 2U);
  EXPECT_EQ(sample_index(std::vector<float>(3, kForbidden), 1.0, 0.5), 0U);
}

TEST(Random, StreamsAreRepeatableAndDiffer) {
  EXPECT_EQ(uniform_at(stream_key(1, 2), 3), uniform_at(stream_key(1, 2), 3));
  EXPECT_NE(uniform_at(stream_key(1, 2), 3), uniform_at(stream_key(1, 3), 3));
  EXPECT_NE(uniform_at(stream_key(1, 2), 3), uniform_at(stream_key(2, 2), 3));
  double sum = 0;
  for (std::uint64_t i = 0; i < 10000; ++i) {
    const double u = uniform_at(0, i);
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
  }
  EXPECT_NEAR(sum / 10000, 0.5, 0.015);
}

}  // namespace
}  // namespace amanuensis::decoding
