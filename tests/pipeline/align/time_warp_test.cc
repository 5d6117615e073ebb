// The numerical steps of alignment, against plain forms of their definitions.
#include "pipeline/align/time_warp.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "support/kernel_data.h"

namespace amanuensis::pipeline {
namespace {

// Standardised, smoothed by sorting, averaged: the definition, in double precision.
std::vector<double> reference(const std::vector<float>& weights, const AttentionRows& rows, std::size_t positions) {
  std::vector<double> strength(rows.count * positions);
  for (std::size_t h = 0; h < rows.heads; ++h) {
    std::vector<double> z(rows.tokens * positions);
    for (std::size_t c = 0; c < positions; ++c) {
      const auto at = [&](std::size_t t) -> double { return weights[(h * rows.tokens + t) * positions + c]; };
      double mean = 0;
      for (std::size_t t = 0; t < rows.tokens; ++t) mean += at(t) / static_cast<double>(rows.tokens);
      double variance = 0;
      for (std::size_t t = 0; t < rows.tokens; ++t) {
        variance += (at(t) - mean) * (at(t) - mean) / static_cast<double>(rows.tokens);
      }
      for (std::size_t t = 0; t < rows.tokens; ++t) z[t * positions + c] = (at(t) - mean) / std::sqrt(variance);
    }
    for (std::size_t r = 0; r < rows.count; ++r) {
      for (std::size_t c = 0; c < positions; ++c) {
        double& sum = strength[r * positions + c];
        if (positions <= 3) {  // nothing to mirror: left as it is
          sum += z[(rows.first + r) * positions + c] / static_cast<double>(rows.heads);
          continue;
        }
        std::vector<double> window;
        for (int offset = -3; offset <= 3; ++offset) {
          const auto last = static_cast<int>(positions) - 1;
          int at = static_cast<int>(c) + offset;
          if (at < 0) at = -at;
          if (at > last) at = 2 * last - at;
          window.push_back(z[(rows.first + r) * positions + static_cast<std::size_t>(at)]);
        }
        std::ranges::sort(window);
        sum += window[3] / static_cast<double>(rows.heads);
      }
    }
  }
  return strength;
}

TEST(PointingStrength, IsTheMedianOfStandardisedAttention) {
  for (const std::size_t positions : {4, 5, 7, 8, 31, 200}) {
    const AttentionRows rows{.heads = 3, .tokens = 9, .first = 2, .count = 6};
    std::vector<float> weights = test::random_values(rows.heads * rows.tokens * positions, 5, 0.0F, 1.0F);
    const std::vector<double> expected = reference(weights, rows, positions);
    const std::vector<float> strength = pointing_strength({weights.data(), rows.heads * rows.tokens, positions}, rows);
    ASSERT_EQ(strength.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(strength[i], expected[i], 1e-5) << positions;
  }
}

TEST(PointingStrength, FewerThanFourPositionsAreNotSmoothed) {
  for (const std::size_t positions : {2, 3}) {
    const AttentionRows rows{.heads = 2, .tokens = 5, .first = 0, .count = 5};
    std::vector<float> weights = test::random_values(10 * positions, 6, 0.0F, 1.0F);
    const std::vector<double> expected = reference(weights, rows, positions);
    const std::vector<float> strength = pointing_strength({weights.data(), 10, positions}, rows);
    for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(strength[i], expected[i], 1e-5);
  }
}

TEST(PointingStrength, WhereAllTokensAreEqualThereIsNone) {
  const AttentionRows rows{.heads = 1, .tokens = 4, .first = 1, .count = 2};
  std::vector<float> weights(4, 1.0F);
  for (const float value : pointing_strength({weights.data(), 4, 1}, rows)) EXPECT_EQ(value, 0.0F);
}

// The greatest sum over all monotonic paths, by trying them all.
double best_sum(TensorView<const float> strength, std::size_t r, std::size_t c) {
  const double here = strength(r, c);
  if (r == 0 && c == 0) return here;
  double best = -std::numeric_limits<double>::infinity();
  if (r > 0) best = std::max(best, best_sum(strength, r - 1, c));
  if (c > 0) best = std::max(best, best_sum(strength, r, c - 1));
  if (r > 0 && c > 0) best = std::max(best, best_sum(strength, r - 1, c - 1));
  return here + best;
}

// The best sum among paths that enter each row at the given column.
double sum_through(TensorView<const float> strength, const std::vector<std::size_t>& first) {
  double best = 0;
  for (std::size_t r = 0; r < strength.rows(); ++r) {
    const std::size_t end = r + 1 < strength.rows() ? first[r + 1] : strength.cols() - 1;
    // Left by a diagonal step or by one straight down: whichever the next row's column allows.
    double sum = 0;
    for (std::size_t c = first[r]; c < end; ++c) sum += strength(r, c);
    const bool last = r + 1 == strength.rows();
    if (last || first[r] == end) {
      sum += strength(r, end);
    } else {
      sum += std::max(0.0F, strength(r, end));
    }
    best += sum;
  }
  return best;
}

TEST(Warp, FindsThePathOfTheGreatestSum) {
  for (std::uint32_t seed = 0; seed < 40; ++seed) {
    const std::size_t rows = 1 + seed % 5;
    const std::size_t cols = 1 + seed % 7;
    const std::vector<float> values = test::random_values(rows * cols, seed, -1.0F, 1.0F);
    const TensorView<const float> strength(values.data(), rows, cols);
    const std::vector<std::size_t> first = warp(strength);
    ASSERT_EQ(first.size(), rows);
    EXPECT_EQ(first.front(), 0U);
    EXPECT_TRUE(std::ranges::is_sorted(first));
    EXPECT_LT(first.back(), cols);
    EXPECT_NEAR(sum_through(strength, first), best_sum(strength, rows - 1, cols - 1), 1e-6) << "seed " << seed;
  }
}

TEST(Warp, FollowsADiagonal) {
  std::vector<float> values(5 * 20, -1.0F);
  for (std::size_t r = 0; r < 5; ++r) {
    for (std::size_t c = 4 * r; c < 4 * r + 4; ++c) values[r * 20 + c] = 1.0F;
  }
  EXPECT_EQ(warp({values.data(), 5, 20}), (std::vector<std::size_t>{0, 4, 8, 12, 16}));
}

TEST(Warp, SurvivesValuesThatAreNotNumbers) {
  const std::vector<float> values(6 * 9, std::numeric_limits<float>::quiet_NaN());
  const std::vector<std::size_t> first = warp({values.data(), 6, 9});
  EXPECT_TRUE(std::ranges::is_sorted(first));
  EXPECT_LT(first.back(), 9U);
}

}  // namespace
}  // namespace amanuensis::pipeline
