// Tile kernel: out = a + b, float32. Portable C++ for a compute tile and for the simulator alike.
#pragma once

#include <stdint.h>

namespace amanuensis::device::npu::tile {

static inline void residual_add(const float* a, const float* b, float* out, int32_t values) {
  for (int32_t i = 0; i < values; ++i) out[i] = a[i] + b[i];
}

}  // namespace amanuensis::device::npu::tile
