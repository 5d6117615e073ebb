// log_sum_exp: every variant against double precision.
#include "kernels/softmax/log_sum_exp.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernel_cases.h"
#include "support/kernel_data.h"

namespace amanuensis::kernels {
namespace {

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

double reference(const std::vector<float>& x) {
  const double largest = *std::ranges::max_element(x);
  double total = 0;
  for (const float value : x) total += std::exp(value - largest);
  return largest + std::log(total);
}

void expect_value(const LogSumExpVariant& variant, const std::vector<float>& x) {
  const double expected = reference(x);
  EXPECT_NEAR(variant.run(x.data(), x.size()), expected, 1e-6 * std::max(1.0, std::abs(expected)))
      << to_string(variant.isa) << " of " << x.size() << " values";
  const ExpSum parts = variant.parts(x.data(), x.size());
  const auto largest = std::ranges::max_element(x);
  EXPECT_EQ(parts.largest, *largest) << to_string(variant.isa);
  EXPECT_EQ(parts.index, static_cast<std::size_t>(largest - x.begin())) << to_string(variant.isa);
  const double sum = std::exp(expected - static_cast<double>(*largest));
  EXPECT_NEAR(parts.sum, sum, 1e-6 * sum) << to_string(variant.isa) << " of " << x.size() << " values";
}

TEST(LogSumExp, TheFirstOfEqualValuesIsTheLargest) {
  for (const LogSumExpVariant& variant : runnable(log_sum_exp_variants())) {
    for (const std::size_t at : {0U, 1U, 15U, 16U, 1023U, 1024U, 1025U, 2100U}) {
      std::vector<float> x(2200, -1.0f);
      x[at] = 3.0f;
      x.back() = 3.0f;
      EXPECT_EQ(variant.parts(x.data(), x.size()).index, at) << to_string(variant.isa);
    }
  }
}

TEST(LogSumExp, EveryVariantMatchesDoublePrecisionOnHostileLengths) {
  for (const LogSumExpVariant& variant : runnable(log_sum_exp_variants())) {
    for (const std::size_t n : hostile_lengths()) {
      if (n > 0) expect_value(variant, test::random_values(n, 3, -12.0f, 12.0f));
    }
    expect_value(variant, test::random_values(51865, 5, -30.0f, 20.0f));
  }
}

TEST(LogSumExp, HoldsForLargeNumbersAndForSuppressedOnes) {
  for (const LogSumExpVariant& variant : runnable(log_sum_exp_variants())) {
    expect_value(variant, {1e6f, 1e6f, -1e6f});
    expect_value(variant, {-1e6f, -1e6f});
    std::vector<float> mostly(37, kMinusInfinity);
    for (const std::size_t at : {0U, 15U, 16U, 33U, 36U}) {
      std::vector<float> x = mostly;
      x[at] = 2.5f;
      EXPECT_FLOAT_EQ(variant.run(x.data(), x.size()), 2.5f) << to_string(variant.isa) << " at " << at;
    }
    EXPECT_EQ(variant.run(mostly.data(), mostly.size()), kMinusInfinity) << to_string(variant.isa);
    EXPECT_EQ(variant.run(nullptr, 0), kMinusInfinity) << to_string(variant.isa);
    EXPECT_EQ(variant.parts(nullptr, 0).largest, kMinusInfinity) << to_string(variant.isa);
    const ExpSum none = variant.parts(mostly.data(), mostly.size());
    EXPECT_EQ(none.largest, kMinusInfinity) << to_string(variant.isa);
    EXPECT_EQ(none.index, 0U) << to_string(variant.isa);
    EXPECT_EQ(none.sum, 0.0f) << to_string(variant.isa);
  }
}

}  // namespace
}  // namespace amanuensis::kernels
