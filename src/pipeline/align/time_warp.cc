#include "pipeline/align/time_warp.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

namespace amanuensis::pipeline {
namespace {

constexpr std::size_t kMedianWidth = 7;
constexpr std::size_t kMirrored = kMedianWidth / 2;  // positions added at each end

// Subtracts each column's mean and divides by its deviation.
void standardise(TensorView<float> head) {
  const std::size_t cols = head.cols();
  const float share = 1.0F / static_cast<float>(head.rows());
  std::vector<float> mean(cols);
  std::vector<float> scale(cols);
  for (std::size_t r = 0; r < head.rows(); ++r) {
    const float* row = head.row(r).data();
    for (std::size_t c = 0; c < cols; ++c) mean[c] += row[c];
  }
  for (float& value : mean) value *= share;
  for (std::size_t r = 0; r < head.rows(); ++r) {
    const float* row = head.row(r).data();
    for (std::size_t c = 0; c < cols; ++c) scale[c] += (row[c] - mean[c]) * (row[c] - mean[c]);
  }
  for (float& value : scale) value = value > 0 ? 1.0F / std::sqrt(value * share) : 0.0F;
  for (std::size_t r = 0; r < head.rows(); ++r) {
    float* row = head.row(r).data();
    for (std::size_t c = 0; c < cols; ++c) row[c] = (row[c] - mean[c]) * scale[c];
  }
}

// Running medians of 7 along a row. Neighbouring windows share their sorted triples: a window is a triple, a single
// value and another triple, and its median is the single value held between the third and the fourth smallest of the
// other six.
class MedianFilter {
 public:
  explicit MedianFilter(std::size_t positions)
      : positions_(positions), padded_(positions + 2 * kMirrored), low_(padded_.size()), mid_(low_), high_(low_) {}

  // sums[c] += median around row[c]
  void add_to(std::span<const float> row, float* sums) {
    const std::size_t n = positions_;
    for (std::size_t i = 0; i < kMirrored; ++i) {
      padded_[i] = row[kMirrored - i];
      padded_[n + kMirrored + i] = row[n - 2 - i];
    }
    std::ranges::copy(row, padded_.begin() + kMirrored);
    sort_triples();
    const float* low = low_.data();
    const float* mid = mid_.data();
    const float* high = high_.data();
    const float* single = padded_.data() + kMirrored;
    constexpr std::size_t kNext = kMirrored + 1;  // from a window's first triple to its second
    for (std::size_t c = 0; c < n; ++c) {
      const float third = std::min(std::min(high[c], high[c + kNext]),
                                   std::min(std::max(mid[c], low[c + kNext]), std::max(low[c], mid[c + kNext])));
      const float fourth = std::min(std::min(std::max(high[c], low[c + kNext]), std::max(low[c], high[c + kNext])),
                                    std::max(mid[c], mid[c + kNext]));
      sums[c] += std::max(std::min(single[c], fourth), third);
    }
  }

 private:
  void sort_triples() {
    const float* x = padded_.data();
    for (std::size_t i = 0; i + 2 < padded_.size(); ++i) {
      const float a = std::min(x[i], x[i + 1]);
      const float b = std::max(x[i], x[i + 1]);
      low_[i] = std::min(a, x[i + 2]);
      mid_[i] = std::min(std::max(a, x[i + 2]), b);
      high_[i] = std::max(b, x[i + 2]);
    }
  }

  std::size_t positions_;
  std::vector<float> padded_;
  std::vector<float> low_;  // of the triple that begins here
  std::vector<float> mid_;
  std::vector<float> high_;
};

enum class Step : std::uint8_t { kBoth, kRow, kColumn };

}  // namespace

std::vector<float> pointing_strength(TensorView<float> weights, const AttentionRows& rows) {
  assert(weights.rows() == rows.heads * rows.tokens && rows.first + rows.count <= rows.tokens);
  const std::size_t positions = weights.cols();
  std::vector<float> strength(rows.count * positions);
  MedianFilter filter(positions);
  for (std::size_t h = 0; h < rows.heads; ++h) {
    const TensorView<float> head = weights.rows_at(h * rows.tokens, rows.tokens);
    standardise(head);
    for (std::size_t r = 0; r < rows.count; ++r) {
      const std::span<const float> row = head.row(rows.first + r);
      float* sums = strength.data() + r * positions;
      if (positions > kMirrored) {
        filter.add_to(row, sums);
      } else {
        for (std::size_t c = 0; c < positions; ++c) sums[c] += row[c];
      }
    }
  }
  for (float& value : strength) value /= static_cast<float>(rows.heads);
  return strength;
}

std::vector<std::size_t> warp(TensorView<const float> strength) {
  const std::size_t rows = strength.rows();
  const std::size_t cols = strength.cols();
  assert(rows > 0 && cols > 0);
  constexpr double kUnreachable = std::numeric_limits<double>::infinity();
  std::vector<Step> steps(rows * cols);
  // above[c + 1] is the cost of the best path to column c of the row above.
  std::vector<double> above(cols + 1, kUnreachable);
  above[0] = 0;
  for (std::size_t r = 0; r < rows; ++r) {
    double diagonal = above[0];
    double left = above[0] = kUnreachable;
    const float* row = strength.row(r).data();
    Step* step = steps.data() + r * cols;
    for (std::size_t c = 0; c < cols; ++c) {
      const double up = above[c + 1];
      double cost = left;
      step[c] = Step::kColumn;
      if (diagonal < up && diagonal < left) {
        cost = diagonal;
        step[c] = Step::kBoth;
      } else if (up < diagonal && up < left) {
        cost = up;
        step[c] = Step::kRow;
      }
      left = cost - static_cast<double>(row[c]);
      diagonal = up;
      above[c + 1] = left;
    }
  }

  std::vector<std::size_t> first_columns(rows);
  std::size_t r = rows - 1;
  std::size_t c = cols - 1;
  for (;;) {
    first_columns[r] = c;
    if (r == 0 && c == 0) return first_columns;
    const Step step = r == 0 ? Step::kColumn : c == 0 ? Step::kRow : steps[r * cols + c];
    if (step != Step::kRow) --c;
    if (step != Step::kColumn) --r;
  }
}

}  // namespace amanuensis::pipeline
