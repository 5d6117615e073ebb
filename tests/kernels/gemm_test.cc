// The packed matrix product: every variant of every type against double precision, on hostile sizes.
#include "kernels/gemm/gemm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "kernel_cases.h"
#include "kernels/bfloat16.h"
#include "kernels/gemm/packed_weights.h"
#include "support/kernel_data.h"

namespace amanuensis::kernels {
namespace {

using test::GuardedMatrix;
using test::random_values;

struct Product {
  std::size_t rows;
  std::size_t in;
  std::size_t out;
};

std::string describe(const GemmVariant& variant, const Product& p) {
  return std::string(to_string(variant.isa)) + " " + std::string(to_string(variant.type)) + " " +
         std::to_string(p.rows) + " x " + std::to_string(p.in) + " -> " + std::to_string(p.out);
}

PackedWeights pack(const GemmVariant& variant, const std::vector<float>& weight, const std::vector<float>& bias,
                   const Product& p) {
  PackedWeights packed(variant, p.out, p.in, bias);
  for (std::size_t panel = 0; panel < packed.panels(); ++panel) {
    const std::size_t first = panel * variant.panel_cols;
    packed.pack_panel(panel, {weight.data() + first * p.in, std::min(variant.panel_cols, p.out - first), p.in});
  }
  return packed;
}

void multiply(const GemmVariant& variant, const PackedWeights& weights, TensorView<const float> x, GemmTask task) {
  AlignedBuffer<std::byte> blocks(variant.packed_rows_bytes(x.rows(), x.cols()));
  variant.pack_rows(x.data(), x.stride(), x.rows(), x.cols(), blocks.data());
  task.blocks = blocks.data();
  task.rows = x.rows();
  if (task.last_panel == 0) task.last_panel = weights.panels();
  variant.run(weights.view(), task);
}

// What a type's rounding makes of one factor; the tolerance of a sum of products follows from the norms.
double rounding(GemmType type, double largest) {
  switch (type) {
    case GemmType::kFloat32:
      return 0;
    case GemmType::kBFloat16:
      return largest / 512;  // half a unit in the eighth bit
    case GemmType::kInt8:
      return largest / 254;  // half a step of 127
  }
  return 0;
}

// Every result within what rounding both factors can do, by Cauchy and Schwarz, plus float32 sums.
void expect_product(const GemmVariant& variant, const Product& p) {
  SCOPED_TRACE(describe(variant, p));
  GuardedMatrix x(p.rows, p.in, p.in + 3);
  x.fill_random(1);
  const std::vector<float> weight = random_values(p.out * p.in, 2);
  const std::vector<float> bias = random_values(p.out, 3);
  GuardedMatrix y(p.rows, p.out, p.out + 5);
  multiply(variant, pack(variant, weight, bias, p), x.view(), {.y = y.data(), .y_stride = p.out + 5});
  EXPECT_TRUE(y.guards_intact());
  double norm = 0;
  double error = 0;
  for (std::size_t r = 0; r < p.rows; ++r) {
    for (std::size_t o = 0; o < p.out; ++o) {
      double sum = bias[o];
      for (std::size_t i = 0; i < p.in; ++i) sum += static_cast<double>(x.view()(r, i)) * weight[o * p.in + i];
      const double difference = y.view()(r, o) - sum;
      norm += sum * sum;
      error += difference * difference;
      // Both factors are at most 1: each product is off by at most the two roundings.
      const double worst = static_cast<double>(p.in) * (2.1 * rounding(variant.type, 1.0) + 3e-7) + 3e-7;
      ASSERT_LE(std::abs(difference), worst) << "row " << r << " output " << o;
    }
  }
  const double relative = variant.type == GemmType::kFloat32 ? 1e-6 : 2.5 * rounding(variant.type, 1.0);
  if (p.rows * p.out >= 64) {
    EXPECT_LE(std::sqrt(error / norm), relative);
  }
}

TEST(Gemm, EveryVariantMatchesDoublePrecisionOnHostileSizes) {
  for (const GemmVariant& variant : runnable(gemm_variants())) {
    for (std::size_t rows = 1; rows <= 2 * variant.block_rows + 1; ++rows) expect_product(variant, {rows, 37, 45});
    for (const std::size_t in : {1, 2, 3, 4, 5, 15, 16, 17, 31, 33, 63, 64, 65, 129, 515}) {
      expect_product(variant, {3, in, 35});
      expect_product(variant, {14, in, 5});
    }
    for (const std::size_t out : {1, 2, 15, 16, 17, 31, 32, 33, 64, 65, 127, 129, 161}) {
      expect_product(variant, {1, 20, out});
      expect_product(variant, {2, 20, out});
      expect_product(variant, {5, 20, out});
      expect_product(variant, {25, 20, out});
    }
  }
}

TEST(Gemm, NothingIsWrittenForNoRows) {
  for (const GemmVariant& variant : runnable(gemm_variants())) {
    const Product p = {0, 8, 8};
    GuardedMatrix x(0, 8, 8);
    GuardedMatrix y(0, 8, 8);
    multiply(variant, pack(variant, random_values(64, 1), {}, p), x.view(), {.y = y.data(), .y_stride = 8});
    EXPECT_TRUE(y.guards_intact());
  }
}

TEST(Gemm, APartOfThePanelsIsOnlyThatPart) {
  for (const GemmVariant& variant : runnable(gemm_variants())) {
    const Product p = {7, 24, 5 * variant.panel_cols - 3};
    GuardedMatrix x(p.rows, p.in);
    x.fill_random(1);
    const PackedWeights weights = pack(variant, random_values(p.out * p.in, 2), {}, p);
    GuardedMatrix whole(p.rows, p.out);
    GuardedMatrix parts(p.rows, p.out);
    multiply(variant, weights, x.view(), {.y = whole.data(), .y_stride = p.out});
    for (const auto& [first, last] : {std::pair<std::size_t, std::size_t>{0, 2}, {2, 5}}) {
      if (first == 2) {
        for (std::size_t c = 2 * variant.panel_cols; c < p.out; ++c) EXPECT_TRUE(std::isnan(parts.view()(0, c)));
      }
      multiply(variant, weights, x.view(),
               {.first_panel = first, .last_panel = last, .y = parts.data(), .y_stride = p.out});
    }
    for (std::size_t r = 0; r < p.rows; ++r) {
      for (std::size_t c = 0; c < p.out; ++c) ASSERT_EQ(parts.view()(r, c), whole.view()(r, c));
    }
  }
}

TEST(Gemm, EpilogueAppliesBiasThenGeluThenResidual) {
  for (const GemmVariant& variant : runnable(gemm_variants())) {
    const Product p = {variant.block_rows + 2, 19, variant.panel_cols + 5};
    GuardedMatrix x(p.rows, p.in);
    x.fill_random(1);
    const std::vector<float> weight = random_values(p.out * p.in, 2);
    const std::vector<float> bias = random_values(p.out, 3);
    const std::vector<float> residual = random_values(p.rows * (p.out + 1), 4);
    const PackedWeights weights = pack(variant, weight, bias, p);
    GuardedMatrix plain(p.rows, p.out);
    GuardedMatrix full(p.rows, p.out);
    multiply(variant, weights, x.view(), {.y = plain.data(), .y_stride = p.out});
    multiply(
        variant, weights, x.view(),
        {.y = full.data(), .y_stride = p.out, .gelu = true, .residual = residual.data(), .residual_stride = p.out + 1});
    for (std::size_t r = 0; r < p.rows; ++r) {
      for (std::size_t c = 0; c < p.out; ++c) {
        const double z = plain.view()(r, c);
        const double expected = 0.5 * z * std::erfc(-z / std::sqrt(2.0)) + residual[r * (p.out + 1) + c];
        ASSERT_NEAR(full.view()(r, c), expected, variant.type == GemmType::kFloat32 ? 2e-6 : 1e-5 + 8e-5 * std::abs(z))
            << describe(variant, p);
      }
    }
  }
}

TEST(Gemm, Int8MatchesExactIntegerArithmetic) {
  // Values that are whole steps, so that nothing is rounded but the steps themselves, and products as large as they
  // get: a variant that saturates or clamps a partial sum cannot pass.
  for (const GemmVariant& variant : runnable(gemm_variants())) {
    if (variant.type != GemmType::kInt8) continue;
    for (const float sign : {1.0f, -1.0f}) {
      const Product p = {variant.block_rows + 1, 5120, variant.panel_cols + 1};
      const std::vector<float> x(p.rows * p.in, 127.0f);
      const std::vector<float> weight(p.out * p.in, sign * 127.0f);
      GuardedMatrix y(p.rows, p.out);
      multiply(variant, pack(variant, weight, {}, p), {x.data(), p.rows, p.in}, {.y = y.data(), .y_stride = p.out});
      for (std::size_t r = 0; r < p.rows; ++r) {
        const float expected = sign * 127.0f * 127.0f * 5120.0f;
        for (const float value : y.view().row(r)) ASSERT_NEAR(value, expected, 1e-6 * std::abs(expected));
      }
    }
  }
}

TEST(Gemm, Int8OfAZeroRowIsTheBias) {
  for (const GemmVariant& variant : runnable(gemm_variants())) {
    const Product p = {3, 50, 40};
    const std::vector<float> x(p.rows * p.in, 0.0f);
    const std::vector<float> bias = random_values(p.out, 3);
    GuardedMatrix y(p.rows, p.out);
    multiply(variant, pack(variant, random_values(p.out * p.in, 2), bias, p), {x.data(), p.rows, p.in},
             {.y = y.data(), .y_stride = p.out});
    for (std::size_t c = 0; c < p.out; ++c) EXPECT_EQ(y.view()(1, c), bias[c]) << describe(variant, p);
  }
}

TEST(BFloat16, RoundsToNearestEven) {
  EXPECT_EQ(bfloat16_from_float(1.0f), 0x3f80);
  EXPECT_EQ(bfloat16_from_float(1.00390625f), 0x3f80);  // a tie goes to the even neighbour below
  EXPECT_EQ(bfloat16_from_float(1.01171875f), 0x3f82);  // and to the even neighbour above
  EXPECT_EQ(bfloat16_from_float(1.00390637f), 0x3f81);
  EXPECT_EQ(float_from_bfloat16(0xc000), -2.0f);
  EXPECT_TRUE(std::isnan(float_from_bfloat16(bfloat16_from_float(std::nanf("")))));
}

}  // namespace
}  // namespace amanuensis::kernels
