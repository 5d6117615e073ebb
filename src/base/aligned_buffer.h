// A fixed-size array aligned to a cache line (and to the widest vector register), for activations and packed weights.
// Movable, not copyable. Elements begin as zeros. Owned by one thread at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <type_traits>

#include "base/tensor_view.h"
#include "base/zeroed_memory.h"

namespace amanuensis {

template <typename T>
class AlignedBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  AlignedBuffer() = default;

  // Throws std::bad_alloc when the memory cannot be had.
  explicit AlignedBuffer(std::size_t size) : size_(size) {
    if (size == 0) return;
    if (size > static_cast<std::size_t>(-1) / sizeof(T)) throw std::bad_alloc();
    data_ = {static_cast<T*>(allocate_zeroed(size * sizeof(T))), Free{size * sizeof(T)}};
  }

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T& operator[](std::size_t i) { return data_.get()[i]; }
  const T& operator[](std::size_t i) const { return data_.get()[i]; }
  std::span<T> span() { return {data_.get(), size_}; }
  std::span<const T> span() const { return {data_.get(), size_}; }

  // The first rows * cols elements as a matrix.
  TensorView<T> matrix(std::size_t rows, std::size_t cols) {
    assert(rows * cols <= size_);
    return {data_.get(), rows, cols};
  }
  TensorView<const T> matrix(std::size_t rows, std::size_t cols) const {
    assert(rows * cols <= size_);
    return {data_.get(), rows, cols};
  }

 private:
  struct Free {
    std::size_t bytes = 0;
    void operator()(T* p) const noexcept { free_zeroed(p, bytes); }
  };
  std::unique_ptr<T, Free> data_;
  std::size_t size_ = 0;
};

}  // namespace amanuensis
