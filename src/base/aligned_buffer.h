// A fixed-size array aligned to a cache line (and to the widest vector register), for activations and packed weights.
// Movable, not copyable. Elements are value-initialised unless asked otherwise. Owned by one thread at a time.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <type_traits>

#include "base/tensor_view.h"

namespace amanuensis {

inline constexpr std::size_t kBufferAlignmentBytes = 64;

template <typename T>
class AlignedBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  AlignedBuffer() = default;

  // Throws std::bad_alloc when the memory cannot be had.
  explicit AlignedBuffer(std::size_t size) : size_(size) {
    if (size == 0) return;
    if (size > (static_cast<std::size_t>(-1) - kBufferAlignmentBytes) / sizeof(T)) throw std::bad_alloc();
    const std::size_t bytes =
        (size * sizeof(T) + kBufferAlignmentBytes - 1) / kBufferAlignmentBytes * kBufferAlignmentBytes;
    data_.reset(static_cast<T*>(std::aligned_alloc(kBufferAlignmentBytes, bytes)));
    if (!data_) throw std::bad_alloc();
    std::memset(static_cast<void*>(data_.get()), 0, bytes);
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
    void operator()(T* p) const { std::free(p); }
  };
  std::unique_ptr<T, Free> data_;
  std::size_t size_ = 0;
};

}  // namespace amanuensis
