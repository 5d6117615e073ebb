// Tile kernel: one tile of a matrix product in bytes, C += A B^T, with 32-bit sums that stay in the tile's memory over
// all of K, and one rescale at the end. Portable C++ for a compute tile and for the simulator alike.
//
//   a    int8 [T, T], row-major, K along the rows
//   b    int8 [T, T]: row j holds the weights of output j, K along the rows
//   acc  int32 [T, T]
// Sums cannot overflow for K <= 131,071 (127 * 127 * K < 2^31).
#pragma once

#include <stdint.h>

#include "device/npu/kernels/gelu.h"

namespace amanuensis::device::npu::tile {

static const int kStripeRows = 16;  // rows of C that are finished and sent off together
static const int kMatmulConstantBytes = static_cast<int>(sizeof(kGelu));

static inline void matmul_clear(int32_t* acc, int32_t values) {
  for (int32_t i = 0; i < values; ++i) acc[i] = 0;
}

template <int kTile>
static inline void matmul_accumulate(const int8_t* a, const int8_t* b, int32_t* acc) {
  for (int i = 0; i < kTile; ++i) {
    int16_t row[kTile];
    for (int k = 0; k < kTile; ++k) row[k] = static_cast<int16_t>(a[i * kTile + k]);
    for (int j = 0; j < kTile; ++j) {
      int32_t sum = 0;
      for (int k = 0; k < kTile; ++k) sum += row[k] * static_cast<int16_t>(b[j * kTile + k]);
      acc[i * kTile + j] += sum;
    }
  }
}

struct MatmulFinish {
  const float* row_scale;  // [rows]: what one unit of a's row is
  const float* col_scale;  // [cols]: what one unit of b's row is
  const float* bias;       // [cols]
  const float* residual;   // [rows, cols], or null
  int32_t rows;
  int32_t cols;
  int32_t gelu;
};

// out[i][j] = gelu?(acc[i][j] * row_scale[i] * col_scale[j] + bias[j]) + residual[i][j]
static inline void matmul_finish(const int32_t* acc, const MatmulFinish& finish, float* out) {
  for (int32_t i = 0; i < finish.rows; ++i) {
    const int32_t at = i * finish.cols;
    for (int32_t j = 0; j < finish.cols; ++j) {
      out[at + j] = static_cast<float>(acc[at + j]) * (finish.row_scale[i] * finish.col_scale[j]) + finish.bias[j];
    }
    if (finish.gelu != 0) {
      for (int32_t j = 0; j < finish.cols; ++j) out[at + j] = gelu_between(out[at + j]);
    }
    if (finish.residual != nullptr) {
      for (int32_t j = 0; j < finish.cols; ++j) out[at + j] += finish.residual[at + j];
    }
  }
}

}  // namespace amanuensis::device::npu::tile
