// Matrix product with weights packed once: y = epilogue(x * weight^T + bias).
//   x [rows, in] float32, weight [out, in], y [rows, out] float32, all row-major
//
// Weights are cut into panels of `panel_cols` outputs, x into blocks of `block_rows` rows; both are stored in units of
// four bytes, each holding the 1 (float32), 2 (bfloat16) or 4 (int8) neighbouring values of the inner dimension that
// one instruction multiplies:
//   panel   [units][panel_cols]        a weight panel, outputs past the last filled with zeros; units are padded
//                                      to whole chunks of 16, in both operands
//   block   [units / 16][rows of the block][16] a block of x: a cache line of each row in turn, after a header of
//                              kBlockHeaderBytes with each row's scale
// int8: weights are symmetric per output channel, rows of x are quantised as they are packed, each with a step (and,
// where the instruction wants unsigned bytes, a zero point) of its own; the int32 sum runs over the whole of `in` and
// is scaled once. bfloat16: round to nearest even, float32 sums.
//
// The functions of a variant are pure: no allocation, no exceptions, no threads; callers split the work by blocks of
// rows or by panels. Source: the panel scheme of Goto & van de Geijn 2008 (ACM TOMS 34:3).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "kernels/isa.h"

namespace amanuensis::kernels {

enum class GemmType { kFloat32, kBFloat16, kInt8 };

constexpr std::string_view to_string(GemmType type) {
  switch (type) {
    case GemmType::kFloat32:
      return "float32";
    case GemmType::kBFloat16:
      return "bfloat16";
    case GemmType::kInt8:
      return "int8";
  }
  return "unknown";
}

// Values of the inner dimension in one unit of four bytes.
constexpr std::size_t values_per_unit(GemmType type) {
  switch (type) {
    case GemmType::kFloat32:
      return 1;
    case GemmType::kBFloat16:
      return 2;
    case GemmType::kInt8:
      return 4;
  }
  return 1;
}

inline constexpr std::size_t kBlockHeaderBytes = 64;
inline constexpr std::size_t kMaxBlockRows = 16;
inline constexpr std::size_t kChunkUnits = 16;  // a cache line of one row of x

// Packed weights, as a variant's `run` reads them. Every array is padded to whole panels.
struct GemmWeights {
  std::size_t in = 0;
  std::size_t out = 0;
  const std::uint32_t* panels = nullptr;
  const float* bias = nullptr;               // zeros when the layer has none
  const float* scale = nullptr;              // int8: one step of each output channel
  const std::int32_t* column_sum = nullptr;  // int8: sum of each output channel's quantised weights
};

// One share of a product: all blocks of `rows` rows times the panels [first_panel, last_panel).
struct GemmTask {
  const std::byte* blocks = nullptr;  // from pack_rows
  std::size_t rows = 0;
  std::size_t first_panel = 0;
  std::size_t last_panel = 0;
  float* y = nullptr;  // y[0, 0] of these rows
  std::size_t y_stride = 0;
  bool gelu = false;                // after the bias
  const float* residual = nullptr;  // added last when set; may be y
  std::size_t residual_stride = 0;
};

struct GemmVariant {
  Isa isa;
  GemmType type;
  std::size_t block_rows;
  std::size_t panel_cols;
  // Packs x [rows, in] (rows `stride` apart) into blocks.
  void (*pack_rows)(const float* x, std::size_t stride, std::size_t rows, std::size_t in, std::byte* blocks) noexcept;
  void (*run)(const GemmWeights& weights, const GemmTask& task) noexcept;

  // Units of the inner dimension, whole chunks.
  std::size_t units(std::size_t in) const {
    const std::size_t chunk_values = kChunkUnits * values_per_unit(type);
    return (in + chunk_values - 1) / chunk_values * kChunkUnits;
  }
  std::size_t panels(std::size_t out) const { return (out + panel_cols - 1) / panel_cols; }
  // Bytes of one full block; a last block of fewer rows takes as much.
  std::size_t block_bytes(std::size_t in) const { return kBlockHeaderBytes + units(in) * 4 * block_rows; }
  std::size_t packed_rows_bytes(std::size_t rows, std::size_t in) const {
    return (rows + block_rows - 1) / block_rows * block_bytes(in);
  }
};

// Best first within each type; the scalar references are last and always run.
std::span<const GemmVariant> gemm_variants();

}  // namespace amanuensis::kernels
