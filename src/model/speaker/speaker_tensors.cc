#include "model/speaker/speaker_tensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "model/checkpoint/layout.h"
#include "model/checkpoint/safetensors.h"
#include "model/checkpoint/torch_file.h"

namespace amanuensis::model {
namespace {

namespace fs = std::filesystem;

bool is_torch_file(const fs::path& file) {
  const std::string extension = file.extension().string();
  return extension == ".bin" || extension == ".ckpt" || extension == ".pt";
}

fs::path weights_file(const fs::path& path, std::string_view what) {
  std::error_code problem;
  fs::path file = path;
  if (fs::is_directory(path, problem)) {
    file = path / "model.safetensors";
    if (!fs::is_regular_file(file, problem) && fs::is_regular_file(path / "pytorch_model.bin", problem)) {
      file = path / "pytorch_model.bin";
    }
  }
  if (!fs::exists(file, problem)) {
    throw Error(ErrorCode::kNotFound, fmt::format("{}: no such file, expected {}", file.string(), what));
  }
  if (file.extension() == ".onnx") {
    throw Error(ErrorCode::kUnsupported,
                fmt::format("{}: {} is read from safetensors and PyTorch files, not from ONNX", file.string(), what));
  }
  return file;
}

}  // namespace

SpeakerTensors::SpeakerTensors(const fs::path& path, std::string_view what)
    : file_(weights_file(path, what).string()),
      what_(what),
      mapped_(file_),
      tensors_(is_torch_file(file_) ? parse_torch_file(mapped_.bytes(), file_)
                                    : parse_safetensors(mapped_.bytes(), file_)) {}

const Tensor* SpeakerTensors::find(std::string_view name) const {
  const auto found = std::ranges::find(tensors_, name, &Tensor::source_name);
  return found == tensors_.end() ? nullptr : &*found;
}

std::vector<std::size_t> SpeakerTensors::shape(std::string_view name) const {
  const Tensor* tensor = find(name);
  return tensor == nullptr ? std::vector<std::size_t>() : tensor->shape;
}

std::vector<float> SpeakerTensors::read(const std::string& name, const std::vector<std::size_t>& shape) const {
  const Tensor* tensor = find(name);
  if (tensor == nullptr) fail(name, fmt::format("is missing: this is not {}", what_));
  if (tensor->shape != shape) {
    fail(name, fmt::format("has shape {}, expected {}: this is not {}", shape_to_string(tensor->shape),
                           shape_to_string(shape), what_));
  }
  std::vector<float> values(tensor->element_count());
  read_values(*tensor, 0, values);
  const auto bad = std::ranges::find_if_not(values, [](float v) { return std::isfinite(v); });
  if (bad != values.end()) {
    fail(name, fmt::format("holds a value that is not a number, at {}: the file is damaged", bad - values.begin()));
  }
  return values;
}

void SpeakerTensors::fail(std::string_view tensor, const std::string& problem) const {
  throw Error(ErrorCode::kBadData, fmt::format("{}: tensor '{}' {}", file_, tensor, problem));
}

void MatrixValues::read_row(std::size_t row, std::span<float> out) const {
  std::copy_n(values_.data() + row * cols_, cols_, out.data());
}

}  // namespace amanuensis::model
