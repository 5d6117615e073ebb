// Samples of a result computed on the host as well, so that garbage does not pass for a result. Each function returns
// what is wrong, or nothing. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/tensor_view.h"

namespace amanuensis::device::npu {

// A matrix product in bytes with what follows it. rows, inner and cols are whole tiles of 64 but for cols, which may
// end within one.
struct ProductResult {
  std::span<const std::int8_t> a;    // [rows, inner]
  std::span<const float> row_scale;  // [rows]
  std::span<const std::int8_t> b;    // [cols, inner]
  std::span<const float> col_scale;  // [cols]
  std::span<const float> bias;       // [cols]
  std::span<const float> residual;   // [rows, cols], or empty
  std::span<const float> y;          // [rows, cols]
  std::size_t inner = 0;
  bool gelu = false;
};
// One value of every tile of 64 x 64.
std::string check_product(const ProductResult& product);

struct NormRows {
  std::span<const float> gamma;
  std::span<const float> beta;
};
// Rows of bytes with a scale each, against x normalised: every scale, and all of every 61st row.
std::string check_layer_norm(TensorView<const float> x, const NormRows& norm, std::span<const std::int8_t> codes,
                             std::span<const float> scales);
// The same against x itself.
std::string check_rounding(TensorView<const float> x, std::span<const std::int8_t> codes,
                           std::span<const float> scales);

// One head's operands. rows is padded, frames is not.
struct HeadBytes {
  std::span<const std::int8_t> q;        // [rows, 64]
  std::span<const std::int32_t> q_step;  // [rows]: one unit of a score in log2, 24 fraction bits
  std::span<const std::int8_t> k;        // [rows, 64]
  std::span<const std::int8_t> v;        // [64, rows]
  std::span<const float> v_scale;        // [64]
};
// Every value must lie within the range of the values it is a mean of; one query of each head is computed here as well.
std::string check_head(const HeadBytes& head, std::size_t number, std::size_t frames, TensorView<const float> y);

}  // namespace amanuensis::device::npu
