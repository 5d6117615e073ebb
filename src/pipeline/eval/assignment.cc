#include "pipeline/eval/assignment.h"

#include <algorithm>
#include <limits>
#include <optional>

namespace amanuensis::pipeline {
namespace {

constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

// Rows are given a column one after the other; a row may take another's column when that one finds a new one. There
// must not be more rows than columns.
class Solver {
 public:
  Solver(std::vector<double> costs, std::size_t rows, std::size_t cols)
      : costs_(std::move(costs)),
        cols_(cols),
        row_price_(rows),
        col_price_(cols),
        distance_(cols),
        came_from_(cols),
        row_of_(cols, kNone),
        col_of_(rows, kNone) {}

  const std::vector<std::size_t>& run() {
    for (std::size_t row = 0; row < col_of_.size(); ++row) place(row);
    return col_of_;
  }

 private:
  void place(std::size_t row) {
    std::vector<char> row_seen(col_of_.size());
    std::vector<char> col_seen(cols_);
    double length = 0;
    const std::size_t free_col = find_free_column(row, row_seen, col_seen, length);
    row_price_[row] += length;
    for (std::size_t i = 0; i < row_seen.size(); ++i) {
      if (row_seen[i] != 0 && i != row) row_price_[i] += length - distance_[col_of_[i]];
    }
    for (std::size_t j = 0; j < cols_; ++j) {
      if (col_seen[j] != 0) col_price_[j] -= length - distance_[j];
    }
    for (std::size_t col = free_col, owner = kNone; owner != row;) {
      owner = came_from_[col];
      row_of_[col] = owner;
      std::swap(col_of_[owner], col);
    }
  }

  // Dijkstra's search over alternating paths from `row`. Columns are kept in falling order and a free one is preferred
  // among equals: that decides which of several best assignments is found.
  std::size_t find_free_column(std::size_t row, std::vector<char>& row_seen, std::vector<char>& col_seen,
                               double& length) {
    std::ranges::fill(distance_, std::numeric_limits<double>::infinity());
    std::vector<std::size_t> open(cols_);
    for (std::size_t i = 0; i < cols_; ++i) open[i] = cols_ - 1 - i;
    while (true) {
      row_seen[row] = 1;
      std::size_t nearest = 0;
      double least = std::numeric_limits<double>::infinity();
      for (std::size_t i = 0; i < open.size(); ++i) {
        const std::size_t col = open[i];
        const double reached = length + costs_[row * cols_ + col] - row_price_[row] - col_price_[col];
        if (reached < distance_[col]) {
          distance_[col] = reached;
          came_from_[col] = row;
        }
        if (distance_[col] < least || (distance_[col] == least && row_of_[col] == kNone)) {
          least = distance_[col];
          nearest = i;
        }
      }
      length = least;
      const std::size_t col = open[nearest];
      col_seen[col] = 1;
      if (row_of_[col] == kNone) return col;
      row = row_of_[col];
      open[nearest] = open.back();
      open.pop_back();
    }
  }

  std::vector<double> costs_;  // [rows][cols]
  std::size_t cols_;
  std::vector<double> row_price_;
  std::vector<double> col_price_;
  std::vector<double> distance_;  // to each column, in the present search
  std::vector<std::size_t> came_from_;
  std::vector<std::size_t> row_of_;
  std::vector<std::size_t> col_of_;
};

}  // namespace

std::vector<std::pair<std::size_t, std::size_t>> assign(TensorView<const double> costs) {
  const bool is_tall = costs.rows() > costs.cols();
  const std::size_t rows = is_tall ? costs.cols() : costs.rows();
  const std::size_t cols = is_tall ? costs.rows() : costs.cols();
  std::vector<double> values(rows * cols);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < cols; ++j) values[i * cols + j] = is_tall ? costs(j, i) : costs(i, j);
  }
  Solver solver(std::move(values), rows, cols);
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  const std::vector<std::size_t>& found = solver.run();
  for (std::size_t i = 0; i < rows; ++i) {
    pairs.push_back(is_tall ? std::pair(found[i], i) : std::pair(i, found[i]));
  }
  std::ranges::sort(pairs);
  return pairs;
}

}  // namespace amanuensis::pipeline
