// GELU and layer norm: every variant against the formula in double precision.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernel_cases.h"
#include "kernels/gelu/gelu.h"
#include "kernels/layernorm/layernorm.h"
#include "support/kernel_data.h"

namespace amanuensis::kernels {
namespace {

using test::GuardedMatrix;
using test::max_abs_difference;
using test::random_values;

double gelu_reference(double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); }

TEST(Gelu, EveryVariantMatchesTheFormulaOnHostileLengths) {
  for (const GeluVariant& variant : runnable(gelu_variants())) {
    for (const std::size_t n : hostile_lengths()) {
      const std::vector<float> x = random_values(n, 7, -10.0f, 10.0f);
      std::vector<double> expected;
      for (const float value : x) expected.push_back(gelu_reference(value));
      GuardedMatrix y(1, n);
      variant.run(x.data(), y.data(), n);
      EXPECT_TRUE(y.guards_intact()) << to_string(variant.isa) << " n=" << n;
      EXPECT_LE(max_abs_difference(y.view().row(0), expected), variant.max_abs_error) << to_string(variant.isa);
    }
  }
}

TEST(Gelu, EveryVariantIsExactEnoughEverywhere) {
  std::vector<float> x;
  for (int i = -100000; i <= 100000; ++i) x.push_back(static_cast<float>(i) * 1e-4f);
  std::vector<double> expected;
  for (const float value : x) expected.push_back(gelu_reference(value));
  for (const GeluVariant& variant : runnable(gelu_variants())) {
    std::vector<float> y(x.size());
    variant.run(x.data(), y.data(), x.size());
    // Rounding the result itself costs up to half a unit in the last place of it, hence the relative part.
    for (std::size_t i = 0; i < x.size(); ++i) {
      ASSERT_LE(std::abs(y[i] - expected[i]), 1e-7 + 1.2e-7 * std::abs(expected[i]))
          << to_string(variant.isa) << " at " << x[i];
    }
  }
}

TEST(Gelu, EveryVariantKeepsTheLimits) {
  const std::vector<float> x = {0.0f, -0.0f, 100.0f, 1e30f, -100.0f, -1e30f, 1e-30f, -1e-30f};
  for (const GeluVariant& variant : runnable(gelu_variants())) {
    std::vector<float> y(x.size());
    variant.run(x.data(), y.data(), x.size());
    EXPECT_EQ(y[0], 0.0f);
    EXPECT_EQ(y[1], 0.0f);
    EXPECT_EQ(y[2], 100.0f) << to_string(variant.isa);
    EXPECT_EQ(y[3], 1e30f) << to_string(variant.isa);
    EXPECT_NEAR(y[4], 0.0f, 1e-7f) << to_string(variant.isa);
    EXPECT_NEAR(y[5], 0.0f, 1e-7f) << to_string(variant.isa);
    EXPECT_NEAR(y[6], 0.5e-30f, 1e-36f) << to_string(variant.isa);
    EXPECT_NEAR(y[7], -0.5e-30f, 1e-36f) << to_string(variant.isa);
  }
}

TEST(Gelu, WorksInPlace) {
  for (const GeluVariant& variant : runnable(gelu_variants())) {
    const std::vector<float> x = random_values(77, 1, -3.0f, 3.0f);
    std::vector<float> separate(x.size());
    std::vector<float> in_place = x;
    variant.run(x.data(), separate.data(), x.size());
    variant.run(in_place.data(), in_place.data(), x.size());
    EXPECT_EQ(separate, in_place) << to_string(variant.isa);
  }
}

std::vector<double> layer_norm_reference(const std::vector<float>& x, const std::vector<float>& gamma,
                                         const std::vector<float>& beta) {
  const double n = static_cast<double>(x.size());
  double mean = 0;
  for (const float value : x) mean += value / n;
  double variance = 0;
  for (const float value : x) variance += (value - mean) * (value - mean) / n;
  std::vector<double> y;
  for (std::size_t i = 0; i < x.size(); ++i) {
    y.push_back((x[i] - mean) / std::sqrt(variance + static_cast<double>(kLayerNormEpsilon)) * gamma[i] + beta[i]);
  }
  return y;
}

TEST(LayerNorm, EveryVariantMatchesTheFormulaOnHostileLengths) {
  for (const LayerNormVariant& variant : runnable(layer_norm_variants())) {
    for (const std::size_t n : hostile_lengths()) {
      for (const float centre : {0.0f, 30.0f}) {
        const std::vector<float> x = random_values(n, 1, centre - 2.0f, centre + 2.0f);
        const std::vector<float> gamma = random_values(n, 2);
        const std::vector<float> beta = random_values(n, 3);
        GuardedMatrix y(1, n);
        variant.run(x.data(), gamma.data(), beta.data(), y.data(), n);
        EXPECT_TRUE(y.guards_intact()) << to_string(variant.isa) << " n=" << n;
        // The mean is known to an epsilon of its size; dividing by the deviation (1.2 here) passes that on. A single
        // value has no deviation but that error, divided by sqrt(epsilon of the formula).
        const double tolerance = (1.2e-7 * (centre + 2.0) * (n <= 3 ? 320.0 : 4.0)) + 1e-6;
        EXPECT_LE(max_abs_difference(y.view().row(0), layer_norm_reference(x, gamma, beta)), tolerance)
            << to_string(variant.isa) << " n=" << n << " centre=" << centre;
      }
    }
  }
}

TEST(LayerNorm, OfAConstantRowIsBeta) {
  for (const LayerNormVariant& variant : runnable(layer_norm_variants())) {
    const std::vector<float> x(40, 2.0f);
    const std::vector<float> gamma = random_values(40, 2);
    const std::vector<float> beta = random_values(40, 3);
    std::vector<float> y(40);
    variant.run(x.data(), gamma.data(), beta.data(), y.data(), y.size());
    EXPECT_LE(max_abs_difference(y, beta), 1e-6) << to_string(variant.isa);
  }
}

}  // namespace
}  // namespace amanuensis::kernels
