#include "model/speaker/conv_stack.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/error.h"

namespace amanuensis::model {
namespace {

// Outputs computed at a time: bounds the memory.
constexpr std::size_t kPieceOutputs = 512;

class Rows final : public device::MatrixSource {
 public:
  Rows(std::vector<float> values, std::size_t rows) : values_(std::move(values)), rows_(rows) {}
  std::size_t rows() const override { return rows_; }
  std::size_t cols() const override { return values_.size() / rows_; }
  void read_row(std::size_t row, std::span<float> out) const override {
    std::copy_n(values_.data() + row * cols(), cols(), out.data());
  }

 private:
  std::vector<float> values_;
  std::size_t rows_;
};

}  // namespace

std::vector<float> read_stack_tensor(std::span<const Tensor> tensors, std::string_view file, const std::string& name,
                                     std::span<const std::size_t> shape) {
  for (const Tensor& tensor : tensors) {
    if (tensor.source_name != name) continue;
    if (!std::equal(tensor.shape.begin(), tensor.shape.end(), shape.begin(), shape.end())) break;
    std::vector<float> values(tensor.element_count());
    read_values(tensor, 0, values);
    if (std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); })) return values;
    throw Error(ErrorCode::kBadData, fmt::format("{}: tensor '{}' holds a value that is not finite", file, name));
  }
  throw Error(ErrorCode::kBadData,
              fmt::format("{}: tensor '{}' is missing or has another shape than the network's", file, name));
}

std::unique_ptr<device::LinearWeights> read_stack_linear(std::span<const Tensor> tensors, std::string_view file,
                                                         const std::string& prefix, std::size_t rows, std::size_t cols,
                                                         device::Backend& backend) {
  const std::array<std::size_t, 2> shape{rows, cols};
  const std::array<std::size_t, 1> bias_shape{rows};
  const Rows weight(read_stack_tensor(tensors, file, prefix + ".weight", shape), rows);
  return backend.prepare_linear(weight, read_stack_tensor(tensors, file, prefix + ".bias", bias_shape));
}

ConvStack::ConvStack(std::vector<StackLayer> layers, std::span<const Tensor> tensors, std::string_view file,
                     const std::string& prefix, device::Backend& backend)
    : backend_(backend), layers_(std::move(layers)) {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const StackLayer& layer = layers_[i];
    weights_.push_back(read_stack_linear(tensors, file, fmt::format("{}layers.{}", prefix, i), layer.outputs,
                                         layer.kernel * layer.inputs, backend));
    reach_ += stride_ * (layer.width() / 2);
    stride_ *= layer.stride;
  }
}

std::size_t ConvStack::run_layer(std::size_t index, const std::vector<float>& x, std::size_t rows,
                                 std::vector<float>& taps, std::vector<float>& y) const {
  const StackLayer& layer = layers_[index];
  const std::size_t out_rows = (rows - layer.width()) / layer.stride + 1;
  const std::size_t columns = layer.kernel * layer.inputs;
  taps.resize(out_rows * columns);
  for (std::size_t row = 0; row < out_rows; ++row) {
    for (std::size_t k = 0; k < layer.kernel; ++k) {
      std::copy_n(x.data() + (row * layer.stride + k * layer.dilation) * layer.inputs, layer.inputs,
                  taps.data() + row * columns + k * layer.inputs);
    }
  }
  y.resize(out_rows * layer.outputs);
  device::Epilogue epilogue{.gelu = true};
  if (layer.residual) {
    epilogue.residual = x.data() + layer.width() / 2 * layer.inputs;
    epilogue.residual_stride = layer.inputs;
  }
  backend_.linear(*weights_[index], {taps.data(), out_rows, columns}, {y.data(), out_rows, layer.outputs}, epilogue);
  return out_rows;
}

std::vector<float> ConvStack::run(TensorView<const float> mel) const {
  const std::size_t bands = layers_.front().inputs;
  const std::size_t count = (mel.rows() + stride_ - 1) / stride_;
  std::vector<float> result(count * outputs());
  std::vector<float> x;
  std::vector<float> taps;
  std::vector<float> y;
  for (std::size_t first = 0; first < count; first += kPieceOutputs) {
    const std::size_t piece = std::min(kPieceOutputs, count - first);
    // What the piece's outputs see.
    std::size_t rows = stride_ * (piece - 1) + 1 + 2 * reach_;
    x.assign(rows * bands, 0.0F);
    for (std::size_t row = 0; row < rows; ++row) {
      const std::size_t frame = stride_ * first + row;
      if (frame < reach_ || frame - reach_ >= mel.rows()) continue;
      const std::span<const float> source = mel.row(frame - reach_);
      std::copy(source.begin(), source.end(), x.begin() + static_cast<std::ptrdiff_t>(row * bands));
    }
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      rows = run_layer(i, x, rows, taps, y);
      std::swap(x, y);
    }
    std::copy_n(x.data(), piece * outputs(), result.data() + first * outputs());
  }
  return result;
}

}  // namespace amanuensis::model
