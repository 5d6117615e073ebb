// The tensors of a speaker network's file, by the names its publisher gave them: a safetensors file, the PyTorch file
// that is published, or a folder that holds model.safetensors or pytorch_model.bin. Immutable; may be read from any
// thread.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"
#include "device/backend.h"
#include "model/checkpoint/tensor.h"

namespace amanuensis::model {

class SpeakerTensors {
 public:
  // `what` is the network, for messages: "pyannote's segmentation network". Throws Error naming the file: kNotFound,
  // kBadData, or kUnsupported for ONNX and for files of old PyTorch.
  SpeakerTensors(const std::filesystem::path& path, std::string_view what);

  bool has(std::string_view name) const { return find(name) != nullptr; }
  // Empty when there is no such tensor.
  std::vector<std::size_t> shape(std::string_view name) const;
  // The values of a tensor of this shape. Throws Error{kBadData} when it is missing, misshapen or not finite.
  std::vector<float> read(const std::string& name, const std::vector<std::size_t>& shape) const;
  [[noreturn]] void fail(std::string_view tensor, const std::string& problem) const;

 private:
  const Tensor* find(std::string_view name) const;

  std::string file_;
  std::string what_;
  MappedFile mapped_;
  std::vector<Tensor> tensors_;
};

// Values that a backend packs: [rows, cols], row-major.
class MatrixValues final : public device::MatrixSource {
 public:
  MatrixValues(std::size_t rows, std::size_t cols, std::vector<float> values)
      : rows_(rows), cols_(cols), values_(std::move(values)) {}
  std::size_t rows() const override { return rows_; }
  std::size_t cols() const override { return cols_; }
  void read_row(std::size_t row, std::span<float> out) const override;

 private:
  std::size_t rows_;
  std::size_t cols_;
  std::vector<float> values_;
};

}  // namespace amanuensis::model
