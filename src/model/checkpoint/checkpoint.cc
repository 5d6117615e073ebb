#include "model/checkpoint/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "base/error.h"
#include "model/checkpoint/foreign_file.h"
#include "model/checkpoint/ggml.h"
#include "model/checkpoint/huggingface.h"
#include "model/checkpoint/layout.h"

namespace amanuensis::model {
namespace {

// Written so that the compiler can use vectors: an exponent of all ones is what numbers that are not finite have, and
// makes the largest bits.
bool all_finite(std::span<const float> values) {
  std::int32_t largest = 0;
  for (const float value : values) largest = std::max(largest, std::bit_cast<std::int32_t>(value) & 0x7fffffff);
  return largest < 0x7f800000;
}

void require_finite(std::span<const float> values, const Tensor& tensor, std::size_t first) {
  if (all_finite(values)) return;
  const auto bad = std::ranges::find_if_not(values, [](float value) { return std::isfinite(value); });
  throw Error(ErrorCode::kBadData,
              fmt::format("{}: tensor '{}' has a value that is not finite ({} at {})", tensor.file, tensor.source_name,
                          *bad, first + static_cast<std::size_t>(bad - values.begin())));
}

class TensorRows final : public device::MatrixSource {
 public:
  TensorRows(const Tensor& tensor, std::size_t rows, std::size_t cols) : tensor_(tensor), rows_(rows), cols_(cols) {}
  std::size_t rows() const override { return rows_; }
  std::size_t cols() const override { return cols_; }
  void read_row(std::size_t row, std::span<float> out) const override {
    const std::span<float> values = out.first(cols_);
    read_values(tensor_, row * cols_, values);
    require_finite(values, tensor_, row * cols_);
  }

 private:
  const Tensor& tensor_;
  std::size_t rows_;
  std::size_t cols_;
};

}  // namespace

const Tensor& Checkpoint::tensor(std::string_view name, std::span<const std::size_t> shape) const {
  const auto it = tensors.find(name);
  if (it == tensors.end()) {
    throw Error(ErrorCode::kBadData, fmt::format("{}: tensor '{}' is missing", path.string(), name));
  }
  if (!std::ranges::equal(it->second.shape, shape)) {
    throw Error(ErrorCode::kBadData,
                fmt::format("{}: tensor '{}' has shape {}, expected {}", it->second.file, it->second.source_name,
                            shape_to_string(it->second.shape), shape_to_string({shape.begin(), shape.end()})));
  }
  return it->second;
}

std::vector<float> Checkpoint::vector(std::string_view name, std::size_t size) const {
  const Tensor& found = tensor(name, std::span<const std::size_t>(&size, 1));
  std::vector<float> values(size);
  read_values(found, 0, values);
  require_finite(values, found, 0);
  return values;
}

std::unique_ptr<device::MatrixSource> Checkpoint::matrix(std::string_view name,
                                                         std::span<const std::size_t> shape) const {
  const Tensor& found = tensor(name, shape);
  if (shape.empty()) {
    throw Error(ErrorCode::kInvalidArgument, fmt::format("tensor '{}' has no rows to read", name));
  }
  const std::size_t rows = shape.front();
  return std::make_unique<TensorRows>(found, rows, rows == 0 ? 0 : found.element_count() / rows);
}

Checkpoint open_checkpoint(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return open_huggingface(path);
  MappedFile file(path);
  if (is_ggml(file.bytes())) return open_ggml(std::move(file));
  const std::string foreign = describe_foreign_file(file.bytes());
  if (path.extension() == ".safetensors" || path.extension() == ".json") {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("{}: is one file of a Hugging Face checkpoint; name its folder instead", path.string()));
  }
  if (!foreign.empty()) throw Error(ErrorCode::kBadData, fmt::format("{}: {}", path.string(), foreign));
  throw Error(ErrorCode::kBadData,
              fmt::format("{}: is neither a ggml file (it does not begin with their magic number) nor the folder of a "
                          "Hugging Face checkpoint",
                          path.string()));
}

}  // namespace amanuensis::model
