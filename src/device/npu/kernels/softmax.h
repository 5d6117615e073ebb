// Tile kernel: softmax over rows of 32-bit scores, with exp from a table of 512 bytes. Portable C++ for a compute tile
// and for the simulator alike.
//
//   scores  int32 [rows, cols]
//   step    int32 [rows]: one unit of a score in log2, 24 fraction bits (natural units times log2(e) * 2^24)
//   y       int16 [rows, cols], 15 fraction bits; a row's sum is 1 within cols / 2^16
#pragma once

#include <stdint.h>

#include "device/npu/kernels/tables.h"

namespace amanuensis::device::npu::tile {

static const int kSoftmaxConstantBytes = static_cast<int>(sizeof(kExp2));

// 2^(-distance * step / 2^24), 16 fraction bits. distance >= 0, step >= 0.
static inline int32_t exp2_down(int64_t distance, int32_t step) {
  const int64_t octaves = (distance * step + (1 << 15)) >> 16;  // 8 fraction bits
  if (octaves >= (17 << 8)) return 0;
  return kExp2[octaves & 255] >> (octaves >> 8);
}

static inline void softmax_rows(const int32_t* scores, const int32_t* step, int32_t rows, int32_t cols, int16_t* y) {
  for (int32_t r = 0; r < rows; ++r) {
    const int32_t* x = scores + r * cols;
    int16_t* out = y + r * cols;
    int32_t largest = x[0];
    for (int32_t c = 1; c < cols; ++c) largest = x[c] > largest ? x[c] : largest;
    int64_t sum = 0;
    for (int32_t c = 0; c < cols; ++c) sum += exp2_down(static_cast<int64_t>(largest) - x[c], step[r]);
    for (int32_t c = 0; c < cols; ++c) {
      const int64_t e = exp2_down(static_cast<int64_t>(largest) - x[c], step[r]);
      const int64_t p = ((e << 15) + sum / 2) / sum;
      out[c] = static_cast<int16_t>(p > 32767 ? 32767 : p);
    }
  }
}

}  // namespace amanuensis::device::npu::tile
