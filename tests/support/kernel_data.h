// Data for tests of numeric code: seeded random matrices with chosen strides, outputs between red zones, and error
// measures in double precision. Header only; every object belongs to one test.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "base/tensor_view.h"

namespace amanuensis::test {

// Uniform values in [low, high].
inline std::vector<float> random_values(std::size_t n, std::uint32_t seed, float low = -1.0f, float high = 1.0f) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> values(low, high);
  std::vector<float> out(n);
  for (float& value : out) value = values(generator);
  return out;
}

// A matrix whose rows lie `stride` apart in memory that begins `offset` floats past the allocator's alignment, with
// known values before, between and after the rows: an output that is written where it should not be shows.
class GuardedMatrix {
 public:
  static constexpr float kGuard = -12345.5f;
  static constexpr std::size_t kZone = 64;

  GuardedMatrix(std::size_t rows, std::size_t cols, std::size_t stride, std::size_t offset = 1)
      : rows_(rows), cols_(cols), stride_(stride), begin_(kZone + offset) {
    memory_.assign(begin_ + rows * stride + kZone, kGuard);
    // Inside, not-a-number: a value that is read before it is written, or never written, shows.
    for (std::size_t r = 0; r < rows; ++r) {
      std::fill_n(memory_.begin() + static_cast<std::ptrdiff_t>(begin_ + r * stride), cols,
                  std::numeric_limits<float>::quiet_NaN());
    }
  }
  GuardedMatrix(std::size_t rows, std::size_t cols) : GuardedMatrix(rows, cols, cols) {}

  TensorView<float> view() { return {memory_.data() + begin_, rows_, cols_, stride_}; }
  TensorView<const float> view() const { return {memory_.data() + begin_, rows_, cols_, stride_}; }
  float* data() { return memory_.data() + begin_; }

  void fill_random(std::uint32_t seed, float low = -1.0f, float high = 1.0f) {
    const std::vector<float> values = random_values(rows_ * cols_, seed, low, high);
    for (std::size_t r = 0; r < rows_; ++r) {
      for (std::size_t c = 0; c < cols_; ++c) view()(r, c) = values[r * cols_ + c];
    }
  }

  bool guards_intact() const {
    for (std::size_t i = 0; i < memory_.size(); ++i) {
      const bool inside = i >= begin_ && i < begin_ + rows_ * stride_ && (i - begin_) % stride_ < cols_;
      if (!inside && memory_[i] != kGuard) return false;
    }
    return true;
  }

 private:
  std::size_t rows_;
  std::size_t cols_;
  std::size_t stride_;
  std::size_t begin_;
  std::vector<float> memory_;
};

// The largest |a - b|; not-a-number anywhere gives infinity.
template <typename A, typename B>
double max_abs_difference(const A& a, const B& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (!(difference <= std::numeric_limits<double>::max())) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, difference);
  }
  return largest;
}

// |a - b| / |b| over two matrices of one shape (Frobenius norms).
inline double relative_error(TensorView<const float> a, const std::vector<double>& b) {
  double error = 0;
  double norm = 0;
  for (std::size_t r = 0; r < a.rows(); ++r) {
    for (std::size_t c = 0; c < a.cols(); ++c) {
      const double expected = b[r * a.cols() + c];
      error += (a(r, c) - expected) * (a(r, c) - expected);
      norm += expected * expected;
    }
  }
  return norm > 0 ? std::sqrt(error / norm) : std::sqrt(error);
}

}  // namespace amanuensis::test
