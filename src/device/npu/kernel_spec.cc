#include "device/npu/kernel_spec.h"

#include <fmt/format.h>

#include "base/error.h"

namespace amanuensis::device::npu {

std::string_view to_string(Operation operation) {
  switch (operation) {
    case Operation::kLogMel:
      return "log_mel";
    case Operation::kGelu:
      return "gelu";
    case Operation::kSoftmax:
      return "softmax";
    case Operation::kLayerNorm:
      return "layer_norm";
    case Operation::kResidualAdd:
      return "residual_add";
    case Operation::kMatmul:
      return "matmul";
    case Operation::kAttention:
      return "attention";
  }
  return "unknown";
}

std::string_view to_string(ValueType type) {
  switch (type) {
    case ValueType::kInt8:
      return "int8";
    case ValueType::kInt16:
      return "int16";
    case ValueType::kInt32:
      return "int32";
    case ValueType::kFloat32:
      return "float32";
  }
  return "unknown";
}

std::size_t Extent::value(const LaunchShape& shape) const {
  if (name == "rows") return shape.rows;
  if (name == "inner") return shape.inner;
  if (name == "cols") return shape.cols;
  if (name == "heads") return shape.heads;
  if (name == "rows_and_cols") return shape.rows + shape.cols;
  return number;
}

std::size_t ArgumentSpec::size_bytes(const LaunchShape& launch) const {
  std::size_t values = 1;
  for (const Extent& extent : shape) values *= extent.value(launch);
  return values * size_of(type);
}

const ArgumentSpec& KernelSpec::argument(std::string_view argument_name) const {
  for (const ArgumentSpec& argument : arguments) {
    if (argument.name == argument_name) return argument;
  }
  throw Error(ErrorCode::kInternal, fmt::format("NPU kernel {}: no argument '{}'", name, argument_name));
}

std::size_t KernelSpec::tile_memory_bytes() const {
  std::size_t bytes = memory.stack_bytes + memory.constant_bytes + memory.scratch_bytes;
  for (const FifoSpec& fifo : fifos) bytes += fifo.size_bytes();
  return bytes;
}

void KernelSpec::check_shape(const LaunchShape& shape) const {
  const auto refuse = [&](const std::string& reason) {
    throw Error(ErrorCode::kInvalidArgument, fmt::format("NPU kernel {}: {}", name, reason));
  };
  if (batch > 0 && shape.rows != batch) {
    refuse(fmt::format("a batch of {} rows was given to a kernel of batch {}; give it exactly {}", shape.rows, batch,
                       batch));
  }
  if (shape.rows == 0) refuse("no rows were given");
  if (max_cols > 0 && (shape.cols == 0 || shape.cols > max_cols)) {
    refuse(fmt::format("rows of {} values do not fit: this kernel takes 1 to {}", shape.cols, max_cols));
  }
  if (tile > 0) {
    const auto whole = [&](std::size_t extent) { return extent > 0 && extent % tile == 0; };
    const bool fits = operation == Operation::kMatmul
                          ? whole(shape.rows) && whole(shape.inner) && whole(shape.cols)
                          : whole(shape.rows) && shape.heads > 0 && shape.keys > 0 && shape.keys <= shape.rows;
    if (!fits) refuse(fmt::format("{} is not made of whole {}x{} tiles; pad it", to_string(shape), tile, tile));
  } else if (shape.rows % block_rows != 0) {
    refuse(fmt::format("{} rows are not whole blocks of {}; pad them", shape.rows, block_rows));
  }
}

std::string instructions_file(const KernelSpec& spec, const LaunchShape& shape) {
  std::string name = spec.instructions;
  if (spec.batch == 0) {
    name += fmt::format("_{}", shape.rows);
    if (shape.inner > 0) name += fmt::format("x{}", shape.inner);
    if (shape.cols > 0) name += fmt::format("x{}", shape.cols);
    if (shape.heads > 0) name += fmt::format("_heads{}_keys{}", shape.heads, shape.keys);
    if (shape.gelu) name += "_gelu";
    if (shape.add_residual) name += "_residual";
  }
  return name + ".insts.bin";
}

std::string to_string(const LaunchShape& shape) {
  std::string text = fmt::format("rows={}", shape.rows);
  if (shape.inner > 0) text += fmt::format(" inner={}", shape.inner);
  if (shape.cols > 0) text += fmt::format(" cols={}", shape.cols);
  if (shape.heads > 0) text += fmt::format(" heads={} keys={}", shape.heads, shape.keys);
  if (shape.gelu) text += " gelu";
  if (shape.add_residual) text += " residual";
  return text;
}

}  // namespace amanuensis::device::npu
