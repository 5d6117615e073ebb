// A non-owning view of a row-major matrix whose rows may be further apart than they are long. The owner of the memory
// must outlive the view. A value type; as thread-safe as the memory it looks at.
#pragma once

#include <cassert>
#include <cstddef>
#include <span>
#include <type_traits>

namespace amanuensis {

template <typename T>
class TensorView {
 public:
  TensorView() = default;

  // [rows, cols]; row r begins at data + r * stride. stride is in elements and at least cols.
  TensorView(T* data, std::size_t rows, std::size_t cols, std::size_t stride)
      : data_(data), rows_(rows), cols_(cols), stride_(stride) {
    assert(stride >= cols);
  }
  TensorView(T* data, std::size_t rows, std::size_t cols) : TensorView(data, rows, cols, cols) {}

  // A view of T can be read as a view of const T.
  template <typename U>
  requires(std::is_same_v<const U, T> && !std::is_const_v<U>)
      TensorView(const TensorView<U>& other)  // NOLINT(google-explicit-constructor)
      : TensorView(other.data(), other.rows(), other.cols(), other.stride()) {}

  T* data() const { return data_; }
  std::size_t rows() const { return rows_; }
  std::size_t cols() const { return cols_; }
  std::size_t stride() const { return stride_; }
  bool contiguous() const { return stride_ == cols_ || rows_ <= 1; }

  std::span<T> row(std::size_t r) const {
    assert(r < rows_);
    return {data_ + r * stride_, cols_};
  }
  T& operator()(std::size_t r, std::size_t c) const {
    assert(r < rows_ && c < cols_);
    return data_[r * stride_ + c];
  }

  // Rows [first, first + count).
  TensorView rows_at(std::size_t first, std::size_t count) const {
    assert(first + count <= rows_);
    return {data_ + first * stride_, count, cols_, stride_};
  }
  // Columns [first, first + count) of every row.
  TensorView cols_at(std::size_t first, std::size_t count) const {
    assert(first + count <= cols_);
    return {data_ + first, rows_, count, stride_};
  }

 private:
  T* data_ = nullptr;
  std::size_t rows_ = 0;
  std::size_t cols_ = 0;
  std::size_t stride_ = 0;
};

}  // namespace amanuensis
