// Tile kernels: GELU (Hendrycks & Gimpel 2016, arXiv 1606.08415), in two forms. Portable C++ for a compute tile and for
// the simulator alike.
//
// Bytes in, bytes out, by a table of 256 entries that the host makes for the scales of input and output; it is an
// argument, so that one kernel serves every scale. And, for the end of a matrix product, straight lines between values
// 1/32 apart: within 1.1e-4 of the exact form everywhere.
#pragma once

#include <stdint.h>

#include "device/npu/kernels/tables.h"

namespace amanuensis::device::npu::tile {

// table[x + 128] is the result for x.
static inline void gelu_bytes(const int8_t* x, const int8_t* table, int8_t* y, int32_t values) {
  for (int32_t i = 0; i < values; ++i) y[i] = table[x[i] + 128];
}

static inline float gelu_between(float x) {
  if (!(x > -8.0F)) return 0.0F;
  if (x >= 8.0F) return x;
  const float at = (x + 8.0F) * 32.0F;
  const int32_t index = static_cast<int32_t>(at);
  const float low = kGelu[index];
  return low + (kGelu[index + 1] - low) * (at - static_cast<float>(index));
}

}  // namespace amanuensis::device::npu::tile
