// What a kernel promises: its arguments, how the array is wired, what it keeps in a tile's memory, in which files its
// binaries are. Read from the catalog (catalog.h). Plain values, immutable once read; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace amanuensis::device::npu {

// Of one launch. Kernels with a fixed batch have their rows fixed; others name what varies in their arguments' shapes.
struct LaunchShape {
  std::size_t rows = 0;   // of the first argument
  std::size_t inner = 0;  // summed over: a matrix product's K
  std::size_t cols = 0;   // of the result
  std::size_t heads = 0;
  std::size_t keys = 0;       // of the rows, those that are real keys; the others are padding
  bool gelu = false;          // at the end of a matrix product
  bool add_residual = false;  // at the end of a matrix product
  bool operator==(const LaunchShape&) const = default;
};

enum class Operation {
  kLogMel,
  kGelu,
  kSoftmax,
  kLayerNorm,
  kResidualAdd,
  kMatmul,
  kAttention,
  kEncoderBlock,
  // Phases of a block (block_phases.h), not kernels by themselves.
  kQuantizeRows,
  kAttentionInput,
};
inline constexpr std::size_t kKernelOperations = 8;
std::string_view to_string(Operation operation);

enum class Direction { kIn, kOut };
enum class ValueType { kInt8, kInt16, kInt32, kFloat32 };
std::string_view to_string(ValueType type);
constexpr std::size_t size_of(ValueType type) {
  return type == ValueType::kInt8 ? 1 : type == ValueType::kInt16 ? 2 : 4;
}

// An extent of a shape: a number, or the name of one of the launch's (then number is 0).
struct Extent {
  std::size_t number = 0;
  std::string name = {};  // "rows", "inner", "cols", "heads", "rows_and_cols" (one below the other), "block_weights",
                          // "block_work" (bytes of block_phases.h)
  std::size_t value(const LaunchShape& shape) const;
};

struct ArgumentSpec {
  std::string name;
  Direction direction = Direction::kIn;
  ValueType type = ValueType::kInt8;
  std::vector<Extent> shape;
  bool once = false;      // sent to the tiles at the beginning of a launch, not block by block
  bool optional = false;  // a launch may leave it out (a residual)
  std::size_t size_bytes(const LaunchShape& launch) const;
};

// A buffer between a tile and the memory beside it: `depth` elements, two for double buffering.
struct FifoSpec {
  std::string argument;
  // A tile has two DMA channels inwards and two outwards; those of one channel take turns on it.
  std::size_t channel = 0;
  std::vector<std::size_t> element;  // its largest shape
  std::size_t depth = 2;
  std::size_t element_bytes = 0;
  std::size_t size_bytes() const { return depth * element_bytes; }
};

struct TileMemorySpec {
  std::size_t stack_bytes = 0;
  std::size_t constant_bytes = 0;
  std::size_t scratch_bytes = 0;
};

struct KernelSpec {
  std::string name;
  Operation operation = Operation::kLogMel;
  std::string function;        // the tile kernel's entry point (kernels/aie_entry.cc)
  std::size_t batch = 0;       // rows of a launch when they are fixed; 0: they vary
  std::size_t block_rows = 0;  // rows that a tile works on at a time
  std::size_t max_cols = 0;    // the widest row that fits; 0: no limit
  std::size_t tile = 0;        // of a product: rows, columns and depth of a tile
  bool packed = false;         // both operands of a product in one buffer, one behind the other
  std::size_t tiles = 1;       // of a column, that work
  bool single_column = false;  // cannot be spread over columns
  std::vector<ArgumentSpec> arguments;
  std::vector<FifoSpec> fifos;
  TileMemorySpec memory;
  std::map<std::string, double> scales;
  std::string xclbin;
  std::string instructions;           // the file's stem; a shape's name and .insts.bin follow where shapes vary
  std::size_t instruction_words = 0;  // 0: told by the build's manifest

  const ArgumentSpec& argument(std::string_view argument_name) const;
  // Stack, constants, scratch and FIFOs together, against a tile's 64 KB.
  std::size_t tile_memory_bytes() const;
  // Why it cannot do this shape; empty: it can.
  std::string unfit(const LaunchShape& shape) const;
  // Throws Error{kInvalidArgument} naming the kernel when it cannot do this shape.
  void check_shape(const LaunchShape& shape) const;
};

// The instruction stream's file: "log_mel_20.insts.bin", or "matmul_64_1536x512x1536_gelu.insts.bin" where shapes vary.
std::string instructions_file(const KernelSpec& spec, const LaunchShape& shape);

// "rows=1536 inner=512 cols=1536 gelu".
std::string to_string(const LaunchShape& shape);

}  // namespace amanuensis::device::npu
