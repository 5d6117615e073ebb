// A whole encoder block in one launch: ten phases that the array's tiles do one after the other, each a kernel of its
// own with its tiles' shares of the work, and where in the launch's buffers each finds what it reads. The kernel's
// arguments are x and y [rows, width], all of the block's weights packed into one buffer, and a buffer for what passes
// between phases. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "device/npu/kernel_spec.h"

namespace amanuensis::device::npu {

// Where a product's weights lie in the packed buffer, in bytes.
struct PackedProduct {
  std::size_t codes = 0;   // int8 [out, in]
  std::size_t scales = 0;  // float32 [out]
  std::size_t bias = 0;    // float32 [out]
  std::size_t in = 0;
  std::size_t out = 0;
};

struct PackedNorm {
  std::size_t gamma = 0;  // float32 [width]
  std::size_t beta = 0;
};

// Everything in the launch's buffers, in bytes from their beginning.
struct BlockLayout {
  explicit BlockLayout(const LaunchShape& shape);

  PackedNorm attention_norm;
  PackedProduct query_key_value;
  PackedProduct attention_out;
  PackedNorm mlp_norm;
  PackedProduct up;
  PackedProduct down;
  std::size_t weights_bytes = 0;

  std::size_t codes = 0;           // int8 [rows, width]: what the norms give
  std::size_t scales = 0;          // float32 [rows]
  std::size_t qkv = 0;             // float32 [rows, 3 * width]
  std::size_t q = 0;               // int8 [heads, rows, 64]
  std::size_t q_step = 0;          // int32 [heads, rows]
  std::size_t k = 0;               // int8 [heads, rows, 64]
  std::size_t v = 0;               // int8 [heads, 64, rows]
  std::size_t v_scale = 0;         // float32 [heads, 64]
  std::size_t attended = 0;        // float32 [rows, width]
  std::size_t attended_codes = 0;  // int8 [rows, width]
  std::size_t attended_scales = 0;
  std::size_t middle = 0;        // float32 [rows, width]: between attention and feed-forward
  std::size_t middle_codes = 0;  // int8 [rows, width]
  std::size_t middle_scales = 0;
  std::size_t hidden = 0;        // float32 [rows, ffn]
  std::size_t hidden_codes = 0;  // int8 [rows, ffn]
  std::size_t hidden_scales = 0;
  std::size_t work_bytes = 0;
};

enum class BlockArgument : std::size_t { kX, kWeights, kWork, kY };

// An argument of a phase's kernel: a piece of one of the launch's.
struct BlockSlice {
  BlockArgument of = BlockArgument::kX;
  std::size_t at = 0;
  bool absent = false;
};

struct BlockPhase {
  std::string what;  // "query, key, value"
  KernelSpec spec;
  LaunchShape shape;
  std::vector<BlockSlice> slices;  // of each argument of spec
};

// The phases of a launch. Throws Error{kBadData} naming the kernel, the phase and the bytes when a phase needs larger
// FIFOs or more scratch than `spec` states, Error{kInvalidArgument} as KernelSpec::check_shape.
std::vector<BlockPhase> block_phases(const KernelSpec& spec, const LaunchShape& shape);

}  // namespace amanuensis::device::npu
