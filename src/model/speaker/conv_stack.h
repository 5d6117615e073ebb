// A stack of convolutions over log-mel frames, each followed by GELU, as both of the project's own small networks begin
// (tools/speaker-model/model.py). Written against the port: a convolution is a linear layer over copied frames.
// Immutable; calls are the backend's, one at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/tensor_view.h"
#include "device/backend.h"
#include "model/checkpoint/tensor.h"

namespace amanuensis::model {

// Frames outside the recording count as zero.
struct StackLayer {
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  std::size_t kernel = 1;
  std::size_t stride = 1;
  std::size_t dilation = 1;
  bool residual = false;  // its input is added to its result

  std::size_t width() const { return (kernel - 1) * dilation + 1; }
};

// A tensor's values as float32. Throws Error{kBadData} naming file and tensor when it is missing, has another shape, or
// holds a value that is not finite.
std::vector<float> read_stack_tensor(std::span<const Tensor> tensors, std::string_view file, const std::string& name,
                                     std::span<const std::size_t> shape);

// The linear layer `prefix`.weight [rows, cols] and `prefix`.bias [rows]. Throws as read_stack_tensor.
std::unique_ptr<device::LinearWeights> read_stack_linear(std::span<const Tensor> tensors, std::string_view file,
                                                         const std::string& prefix, std::size_t rows, std::size_t cols,
                                                         device::Backend& backend);

class ConvStack {
 public:
  // Reads `prefix`layers.0.weight [outputs, kernel * inputs] and so on. Throws as read_stack_tensor.
  ConvStack(std::vector<StackLayer> layers, std::span<const Tensor> tensors, std::string_view file,
            const std::string& prefix, device::Backend& backend);

  // Frames of input for one of output.
  std::size_t stride() const { return stride_; }
  // Input frames that an output sees on each side of its own.
  std::size_t reach() const { return reach_; }
  std::size_t outputs() const { return layers_.back().outputs; }

  // mel: [frames, inputs of the first layer]. Returns [ceil(frames / stride), outputs], output i being that of frame
  // i * stride.
  std::vector<float> run(TensorView<const float> mel) const;

 private:
  // One layer over x [rows, inputs]; returns the rows of y.
  std::size_t run_layer(std::size_t layer, const std::vector<float>& x, std::size_t rows, std::vector<float>& taps,
                        std::vector<float>& y) const;

  device::Backend& backend_;
  std::vector<StackLayer> layers_;
  std::vector<std::unique_ptr<device::LinearWeights>> weights_;
  std::size_t stride_ = 1;
  std::size_t reach_ = 0;
};

}  // namespace amanuensis::model
