#include "device/npu/kernel_spec.h"

#include <fmt/format.h>

#include "base/error.h"
#include "device/npu/block_phases.h"
#include "device/npu/kernels/encoder_block.h"

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
    case Operation::kEncoderBlock:
      return "encoder_block";
    case Operation::kQuantizeRows:
      return "quantize_rows";
    case Operation::kAttentionInput:
      return "attention_input";
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
  if (name == "block_weights") return BlockLayout(shape).weights_bytes;
  if (name == "block_work") return BlockLayout(shape).work_bytes;
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

std::string KernelSpec::unfit(const LaunchShape& shape) const {
  if (batch > 0 && shape.rows != batch) {
    return fmt::format("a batch of {} rows was given to a kernel of batch {}; give it exactly {}", shape.rows, batch,
                       batch);
  }
  if (shape.rows == 0) return "no rows were given";
  if (max_cols > 0 && (shape.cols == 0 || shape.cols > max_cols)) {
    return fmt::format("rows of {} values do not fit: this kernel takes 1 to {}", shape.cols, max_cols);
  }
  const auto whole = [&](std::size_t extent) { return extent > 0 && extent % tile == 0; };
  const bool keys_fit = shape.heads > 0 && shape.keys > 0 && shape.keys <= shape.rows;
  if (operation == Operation::kEncoderBlock) {
    if (!whole(shape.rows) || !whole(shape.inner) || !whole(shape.cols) || !keys_fit) {
      return fmt::format("{} is not made of whole {}x{} tiles; pad it", to_string(shape), tile, tile);
    }
    if (shape.inner > npu::tile::kRowPart || shape.heads * npu::tile::kHeadDim != shape.inner) {
      return fmt::format("a width of {} and {} heads; this kernel takes widths up to {} and heads of {}", shape.inner,
                         shape.heads, npu::tile::kRowPart, npu::tile::kHeadDim);
    }
  } else if (tile > 0) {
    const bool fits = operation == Operation::kMatmul ? whole(shape.rows) && whole(shape.inner) && whole(shape.cols)
                                                      : whole(shape.rows) && keys_fit;
    if (!fits) return fmt::format("{} is not made of whole {}x{} tiles; pad it", to_string(shape), tile, tile);
  } else if (shape.rows % block_rows != 0) {
    return fmt::format("{} rows are not whole blocks of {}; pad them", shape.rows, block_rows);
  }
  return {};
}

void KernelSpec::check_shape(const LaunchShape& shape) const {
  const std::string reason = unfit(shape);
  if (!reason.empty()) throw Error(ErrorCode::kInvalidArgument, fmt::format("NPU kernel {}: {}", name, reason));
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
