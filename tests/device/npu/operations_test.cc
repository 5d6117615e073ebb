// The operations against float reference: what the tile kernels and the host's rounding lose together.
#include "device/npu/operations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>

#include "device/npu/kernels/gelu.h"
#include "npu_rig.h"

namespace amanuensis::device::npu {
namespace {

TensorView<float> view(std::vector<float>& values, std::size_t cols) {
  return {values.data(), values.size() / cols, cols};
}

float exact_gelu(float x) { return 0.5F * x * (1 + std::erf(x / std::numbers::sqrt2_v<float>)); }

TEST(GeluKernel, FollowsTheExactFormFromMinusEightToEight) {
  for (const std::size_t cols : {512U, 2048U}) {
    NpuRig rig;
    std::vector<float> x(8 * cols);
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] = -8 + 16 * static_cast<float>(i) / static_cast<float>(x.size() - 1);
    }
    std::vector<float> expected;
    for (const float value : x) expected.push_back(exact_gelu(value));
    std::vector<float> y(x.size());
    ASSERT_TRUE(rig.operations.gelu(view(x, cols), 8, 8, view(y, cols))) << rig.count("gelu").reason;
    EXPECT_GE(correlation(y, expected), 0.9999) << cols;
  }
}

TEST(GeluKernel, BetweenTheTablesValuesIsCloseEverywhere) {
  for (int i = -12000; i <= 12000; ++i) {
    const float x = static_cast<float>(i) * 1e-3F;
    ASSERT_NEAR(tile::gelu_between(x), exact_gelu(x), 1.1e-4) << x;
  }
}

TEST(SoftmaxKernel, FollowsTheExactForm) {
  NpuRig rig;
  constexpr std::size_t kRows = 7;
  constexpr std::size_t kCols = 1500;
  std::vector<std::int32_t> scores;
  for (const float value : gaussian(kRows * kCols, 5, 30000)) scores.push_back(static_cast<std::int32_t>(value));
  const std::vector<float> step(kRows, 1e-4F);
  std::vector<float> expected;
  for (std::size_t r = 0; r < kRows; ++r) {
    double sum = 0;
    for (std::size_t c = 0; c < kCols; ++c) sum += std::exp(scores[r * kCols + c] * 1e-4);
    for (std::size_t c = 0; c < kCols; ++c) {
      expected.push_back(static_cast<float>(std::exp(scores[r * kCols + c] * 1e-4) / sum));
    }
  }
  std::vector<float> y(kRows * kCols);
  ASSERT_TRUE(rig.operations.softmax({scores.data(), kRows, kCols}, step, view(y, kCols)))
      << rig.count("softmax").reason;
  EXPECT_GE(correlation(y, expected), 0.9999);
}

// As an encoder's activations are: a few channels far larger than the others, and a mean that is not zero.
TEST(LayerNormKernel, DoesNotSaturateOnOutliers) {
  for (const std::size_t cols : {192U, 256U, 384U, 512U}) {
    NpuRig rig;
    constexpr std::size_t kRows = 100;
    std::vector<float> x = gaussian(kRows * cols, 9, 1.5F);
    for (std::size_t r = 0; r < kRows; ++r) {
      for (std::size_t c = 0; c < cols; ++c) x[r * cols + c] += 0.3F + (c % 97 == 5 ? 6.0F : 0.0F);
    }
    std::vector<float> gamma = gaussian(cols, 10, 0.2F);
    for (float& value : gamma) value += 1;
    const std::vector<float> beta = gaussian(cols, 11, 0.1F);
    std::vector<float> expected(x.size());
    for (std::size_t r = 0; r < kRows; ++r) {
      double mean = 0;
      double variance = 0;
      for (std::size_t c = 0; c < cols; ++c) mean += x[r * cols + c];
      mean /= static_cast<double>(cols);
      for (std::size_t c = 0; c < cols; ++c) variance += std::pow(x[r * cols + c] - mean, 2);
      variance /= static_cast<double>(cols);
      for (std::size_t c = 0; c < cols; ++c) {
        expected[r * cols + c] =
            static_cast<float>((x[r * cols + c] - mean) / std::sqrt(variance + 1e-5) * gamma[c] + beta[c]);
      }
    }
    ByteRows found;
    ASSERT_TRUE(rig.operations.layer_norm(view(x, cols), gamma, beta, found)) << rig.count("layer_norm").reason;
    std::vector<float> values;
    for (std::size_t r = 0; r < kRows; ++r) {
      for (std::size_t c = 0; c < cols; ++c) {
        values.push_back(static_cast<float>(found.codes[r * found.padded_cols + c]) * found.scales[r]);
      }
    }
    EXPECT_GE(correlation(values, expected), 0.999) << cols;
  }
}

TEST(LayerNormKernel, RowsThatAreTooWideAreTheCpus) {
  NpuRig rig;
  std::vector<float> x = gaussian(8 * 768, 1);
  const std::vector<float> gamma(768, 1.0F);
  ByteRows y;
  EXPECT_FALSE(rig.operations.layer_norm(view(x, 768), gamma, gamma, y));
  EXPECT_THAT(rig.count("layer_norm").reason, ::testing::HasSubstr("768"));
}

TEST(ResidualAddKernel, Adds) {
  NpuRig rig;
  std::vector<float> a = gaussian(50 * 192, 1);
  std::vector<float> b = gaussian(50 * 192, 2);
  std::vector<float> y(a.size());
  ASSERT_TRUE(rig.operations.residual_add(view(a, 192), view(b, 192), view(y, 192)));
  for (std::size_t i = 0; i < y.size(); ++i) ASSERT_EQ(y[i], a[i] + b[i]) << i;
}

// x w^T in double precision.
std::vector<float> product(std::vector<float>& x, std::vector<float>& w, std::size_t inner) {
  std::vector<float> y;
  for (std::size_t i = 0; i < x.size() / inner; ++i) {
    for (std::size_t j = 0; j < w.size() / inner; ++j) {
      double sum = 0;
      for (std::size_t k = 0; k < inner; ++k) sum += static_cast<double>(x[i * inner + k]) * w[j * inner + k];
      y.push_back(static_cast<float>(sum));
    }
  }
  return y;
}

TEST(MatmulKernel, A512CubeInAtMost64LaunchesByEveryTileSize) {
  std::vector<float> x = gaussian(512 * 512, 21);
  std::vector<float> w = gaussian(512 * 512, 22, 0.05F);
  const std::vector<float> expected = product(x, w, 512);
  ByteRows rows;
  quantize_rows(view(x, 512), rows);
  for (const char* kernel : {"matmul_16", "matmul_32", "matmul_64", "matmul_64_packed"}) {
    NpuRig rig;
    const ByteWeights weights = rig.operations.make_weights(
        512, 512, [&](std::size_t r, std::span<float> to) { std::copy_n(w.begin() + r * 512, 512, to.begin()); }, {});
    ASSERT_EQ(rig.executor.prepare(rig.catalog.at(kernel)), "");
    const std::uint64_t before = rig.status(kernel).counters.launches;
    std::vector<float> y(512 * 512);
    ASSERT_TRUE(rig.operations.matmul(rows, weights, view(y, 512), {}, kernel)) << rig.count("matmul").reason;
    EXPECT_LE(rig.status(kernel).counters.launches - before, 64U);
    EXPECT_GE(correlation(y, expected), 0.9999) << kernel;
    // A sum of bytes may be zero by chance; an output that was not computed is zero where the product is not.
    for (std::size_t i = 0; i < y.size(); ++i) {
      if (y[i] == 0) {
        EXPECT_LT(std::abs(expected[i]), 0.1F) << kernel << ", value " << i;
      }
    }
    EXPECT_LE(std::count(y.begin(), y.end(), 0.0F), 8) << kernel;
  }
}

TEST(MatmulKernel, OddShapesBiasGeluAndResidual) {
  constexpr std::size_t kRows = 77;
  constexpr std::size_t kInner = 240;
  constexpr std::size_t kOut = 130;
  std::vector<float> x = gaussian(kRows * kInner, 31);
  std::vector<float> w = gaussian(kOut * kInner, 32, 0.06F);
  const std::vector<float> bias = gaussian(kOut, 33);
  std::vector<float> residual = gaussian(kRows * kOut, 34);
  std::vector<float> expected = product(x, w, kInner);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    expected[i] = exact_gelu(expected[i] + bias[i % kOut]) + residual[i];
  }
  NpuRig rig;
  const ByteWeights weights = rig.operations.make_weights(
      kOut, kInner,
      [&](std::size_t r, std::span<float> to) { std::copy_n(w.begin() + r * kInner, kInner, to.begin()); }, bias);
  ByteRows rows;
  quantize_rows(view(x, kInner), rows);
  std::vector<float> y = residual;  // in place, as the encoder does it
  ASSERT_TRUE(rig.operations.matmul(rows, weights, view(y, kOut), {.gelu = true, .residual = view(y, kOut)}))
      << rig.count("matmul").reason;
  EXPECT_GE(correlation(y, expected), 0.9995);
}

TEST(MatmulKernel, SumsAreWholeOverAllOfK) {
  // Every product is positive and large: a sum that is clamped on the way, or ends early, is far off.
  constexpr std::size_t kInner = 2048;
  std::vector<float> x(64 * kInner, 1.0F);
  std::vector<float> w(64 * kInner, 1.0F);
  NpuRig rig;
  const ByteWeights weights = rig.operations.make_weights(
      64, kInner, [&](std::size_t, std::span<float> to) { std::fill(to.begin(), to.end(), 1.0F); }, {});
  ByteRows rows;
  quantize_rows(view(x, kInner), rows);
  std::vector<float> y(64 * 64);
  ASSERT_TRUE(rig.operations.matmul(rows, weights, view(y, 64), {}));
  for (const float value : y) ASSERT_NEAR(value, 2048, 0.01);
}

// As published encoders have it: keys with an offset of their own in some channels, scores that vary by several units.
struct Window {
  std::vector<float> q;
  std::vector<float> k;
  std::vector<float> v;
};

Window make_window(std::size_t frames, std::size_t width) {
  Window window = {gaussian(frames * width, 41, 1.6F), gaussian(frames * width, 42, 1.6F),
                   gaussian(frames * width, 43)};
  for (std::size_t i = 0; i < window.k.size(); ++i) {
    if (i % width % 13 == 3) window.k[i] += 9;
    if (i % width % 17 == 5) window.q[i] *= 3;
  }
  return window;
}

std::vector<float> attend(const Window& w, std::size_t frames, std::size_t heads) {
  const std::size_t width = heads * 64;
  std::vector<float> out(frames * width);
  for (std::size_t h = 0; h < heads; ++h) {
    for (std::size_t i = 0; i < frames; ++i) {
      std::vector<double> scores(frames);
      for (std::size_t j = 0; j < frames; ++j) {
        float dot = 0;
        for (std::size_t c = h * 64; c < h * 64 + 64; ++c) dot += w.q[i * width + c] * w.k[j * width + c];
        scores[j] = dot / 8.0;
      }
      const double largest = *std::max_element(scores.begin(), scores.end());
      double sum = 0;
      for (double& score : scores) sum += score = std::exp(score - largest);
      std::array<double, 64> mean = {};
      for (std::size_t j = 0; j < frames; ++j) {
        for (std::size_t c = 0; c < 64; ++c) mean[c] += scores[j] * w.v[j * width + h * 64 + c];
      }
      for (std::size_t c = 0; c < 64; ++c) out[i * width + h * 64 + c] = static_cast<float>(mean[c] / sum);
    }
  }
  return out;
}

TEST(AttentionKernel, AWholeWindowOf1500FramesAnd8Heads) {
  Window window = make_window(1500, 512);
  const std::vector<float> expected = attend(window, 1500, 8);
  NpuRig rig;
  std::vector<float> out(1500 * 512);
  ASSERT_TRUE(
      rig.operations.attention(view(window.q, 512), view(window.k, 512), view(window.v, 512), 8, view(out, 512)))
      << rig.count("attention").reason;
  EXPECT_GE(correlation(out, expected), 0.999);
  // Not block by block: with the first tile's keys alone it is nothing like it.
  EXPECT_EQ(rig.status("attention_64").counters.launches, 2U);  // the self-test's and this one
}

TEST(AttentionKernel, OneFrameMoreThanATile) {
  Window window = make_window(65, 128);
  const std::vector<float> expected = attend(window, 65, 2);
  NpuRig rig;
  std::vector<float> out(65 * 128);
  ASSERT_TRUE(
      rig.operations.attention(view(window.q, 128), view(window.k, 128), view(window.v, 128), 2, view(out, 128)));
  EXPECT_GE(correlation(out, expected), 0.999);
}

TEST(AttentionKernel, OtherHeadSizesAreTheCpus) {
  NpuRig rig;
  std::vector<float> x(16 * 96);
  EXPECT_FALSE(rig.operations.attention(view(x, 96), view(x, 96), view(x, 96), 2, view(x, 96)));
  EXPECT_THAT(rig.count("attention").reason, ::testing::HasSubstr("48"));
}

}  // namespace
}  // namespace amanuensis::device::npu
