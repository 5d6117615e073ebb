#include "device/npu/result_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "device/npu/kernels/gelu.h"

namespace amanuensis::device::npu {
namespace {

constexpr std::size_t kTile = 64;
constexpr std::size_t kHeadDim = 64;
constexpr std::size_t kCheckedRows = 61;  // every so many

// One query of a head, from the same bytes in double precision.
std::array<double, kHeadDim> attend_exactly(const HeadBytes& head, std::size_t query, std::size_t frames) {
  const std::size_t rows = head.q_step.size();
  std::vector<double> scores(frames);
  for (std::size_t j = 0; j < frames; ++j) {
    std::int32_t dot = 0;
    for (std::size_t c = 0; c < kHeadDim; ++c) dot += head.q[query * kHeadDim + c] * head.k[j * kHeadDim + c];
    scores[j] = static_cast<double>(dot) * head.q_step[query] / (1 << 24);
  }
  const double largest = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& score : scores) sum += score = std::exp2(score - largest);
  std::array<double, kHeadDim> out = {};
  for (std::size_t c = 0; c < kHeadDim; ++c) {
    for (std::size_t j = 0; j < frames; ++j) out[c] += scores[j] * head.v[c * rows + j];
    out[c] *= static_cast<double>(head.v_scale[c]) / sum;
  }
  return out;
}

// `relative`: of what is expected, for the arithmetic behind the rounding.
std::string check_row(std::span<const double> expected, std::size_t row, std::span<const std::int8_t> codes,
                      float scale, double relative) {
  for (std::size_t c = 0; c < expected.size(); ++c) {
    const double found = static_cast<double>(codes[row * expected.size() + c]) * static_cast<double>(scale);
    if (std::abs(found - expected[c]) > 0.6 * static_cast<double>(scale) + relative * std::abs(expected[c])) {
      return fmt::format("value [{}, {}] is {}, expected {}", row, c, found, expected[c]);
    }
  }
  return {};
}

template <typename Expect>
std::string check_rows(std::size_t rows, std::size_t cols, std::span<const std::int8_t> codes,
                       std::span<const float> scales, const Expect& expect) {
  std::vector<double> expected(cols);
  for (std::size_t r = 0; r < rows; ++r) {
    if (!(scales[r] >= 0) || !std::isfinite(scales[r])) return fmt::format("the scale of row {} is {}", r, scales[r]);
    if (r % kCheckedRows != 0) continue;
    expect(r, expected);
    std::string problem = check_row(expected, r, codes, scales[r], 1e-3);
    if (!problem.empty()) return problem;
  }
  return {};
}

}  // namespace

std::string check_product(const ProductResult& product) {
  const std::size_t rows = product.row_scale.size();
  const std::size_t cols = product.col_scale.size();
  for (std::size_t row0 = 0; row0 < rows; row0 += kTile) {
    for (std::size_t col0 = 0; col0 < cols; col0 += kTile) {
      const std::size_t i = row0 + (col0 / kTile * 7 + row0 / kTile * 13) % kTile;
      const std::size_t j = std::min(col0 + (row0 / kTile * 5 + col0 / kTile * 11) % kTile, cols - 1);
      std::int32_t sum = 0;
      const std::int8_t* a = product.a.data() + i * product.inner;
      const std::int8_t* b = product.b.data() + j * product.inner;
      for (std::size_t k = 0; k < product.inner; ++k) sum += a[k] * b[k];
      float expected = static_cast<float>(sum) * (product.row_scale[i] * product.col_scale[j]) + product.bias[j];
      if (product.gelu) expected = tile::gelu_between(expected);
      if (!product.residual.empty()) expected += product.residual[i * cols + j];
      const float found = product.y[i * cols + j];
      if (!(std::abs(found - expected) <= 1e-3F + 1e-4F * std::abs(expected))) {
        return fmt::format("value [{}, {}] is {}, expected {}", i, j, found, expected);
      }
    }
  }
  return {};
}

std::string check_layer_norm(TensorView<const float> x, const NormRows& norm, std::span<const std::int8_t> codes,
                             std::span<const float> scales) {
  const auto cols = static_cast<double>(x.cols());
  return check_rows(x.rows(), x.cols(), codes, scales, [&](std::size_t r, std::span<double> expected) {
    double mean = 0;
    double variance = 0;
    for (const float value : x.row(r)) mean += static_cast<double>(value) / cols;
    for (const float value : x.row(r)) {
      variance += (static_cast<double>(value) - mean) * (static_cast<double>(value) - mean) / cols;
    }
    const double factor = 1 / std::sqrt(variance + 1e-5);
    for (std::size_t c = 0; c < x.cols(); ++c) {
      expected[c] = (static_cast<double>(x(r, c)) - mean) * factor * static_cast<double>(norm.gamma[c]) +
                    static_cast<double>(norm.beta[c]);
    }
  });
}

std::string check_rounding(TensorView<const float> x, std::span<const std::int8_t> codes,
                           std::span<const float> scales) {
  return check_rows(x.rows(), x.cols(), codes, scales, [&](std::size_t r, std::span<double> expected) {
    std::copy(x.row(r).begin(), x.row(r).end(), expected.begin());
  });
}

std::string check_head(const HeadBytes& head, std::size_t number, std::size_t frames, TensorView<const float> y) {
  if (frames == 0) return {};
  for (std::size_t r = 0; r < frames; ++r) {
    for (std::size_t c = 0; c < kHeadDim; ++c) {
      if (!(std::abs(y(r, c)) <= 127.5F * head.v_scale[c])) {
        return fmt::format("head {}, value [{}, {}] is {}, beyond every value it is a mean of", number, r, c, y(r, c));
      }
    }
  }
  const std::size_t query = (number * 577 + 31) % frames;
  const auto expected = attend_exactly(head, query, frames);
  for (std::size_t c = 0; c < kHeadDim; ++c) {
    if (!(std::abs(static_cast<double>(y(query, c)) - expected[c]) <= static_cast<double>(head.v_scale[c]))) {
      return fmt::format("head {}, value [{}, {}] is {}, expected {}", number, query, c, y(query, c), expected[c]);
    }
  }
  return {};
}

}  // namespace amanuensis::device::npu
