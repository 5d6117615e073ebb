// A buffer for activations that is kept from call to call and grows when a call needs more than any before it, so that
// the usual call allocates nothing. Owned by one thread at a time.
#pragma once

#include <cstddef>

#include "base/aligned_buffer.h"
#include "base/tensor_view.h"

namespace amanuensis::model {

class Scratch {
 public:
  // A matrix [rows, cols] with unspecified contents. Ends the life of the views handed out before.
  TensorView<float> matrix(std::size_t rows, std::size_t cols) {
    if (buffer_.size() < rows * cols) {
      buffer_ = {};  // freed first: the old and the new need not be held at once
      buffer_ = AlignedBuffer<float>(rows * cols);
    }
    return buffer_.matrix(rows, cols);
  }

 private:
  AlignedBuffer<float> buffer_;
};

}  // namespace amanuensis::model
