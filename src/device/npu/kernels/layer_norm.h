// Tile kernel: layer norm of whole rows, rounded to bytes with a scale of each row's own, so that no value saturates
// (Ba et al. 2016, arXiv 1607.06450). Portable C++ for a compute tile and for the simulator alike.
//
//   x        float32 [rows, cols]
//   y        int8 [rows, cols]: the normalised value is y * y_scale[row]
#pragma once

#include <stdint.h>

namespace amanuensis::device::npu::tile {

// 1 / sqrt(x), x > 0: a first guess from the exponent, then Newton's steps, exact to float32's last bits.
static inline float inverse_sqrt(float x) {
  union {
    float value;
    uint32_t bits;
  } guess = {x};
  guess.bits = 0x5F3759DFU - (guess.bits >> 1U);
  float y = guess.value;
  for (int i = 0; i < 4; ++i) y *= 1.5F - 0.5F * x * y * y;
  return y;
}

static inline int8_t round_to_byte(float x) {
  const float away = x < 0 ? x - 0.5F : x + 0.5F;
  return static_cast<int8_t>(away > 127.0F ? 127.0F : away < -127.0F ? -127.0F : away);
}

struct LayerNormRows {
  const float* gamma;  // [cols]
  const float* beta;   // [cols]
  int32_t rows;
  int32_t cols;
};

// scratch: float32 [cols].
static inline void layer_norm_rows(const float* x, const LayerNormRows& norm, float* scratch, int8_t* y,
                                   float* y_scale) {
  const float share = 1.0F / static_cast<float>(norm.cols);
  for (int32_t r = 0; r < norm.rows; ++r) {
    const float* row = x + r * norm.cols;
    int8_t* out = y + r * norm.cols;
    float sum = 0;
    for (int32_t c = 0; c < norm.cols; ++c) sum += row[c];
    const float mean = sum * share;
    float squares = 0;
    for (int32_t c = 0; c < norm.cols; ++c) squares += (row[c] - mean) * (row[c] - mean);
    const float factor = inverse_sqrt(squares * share + 1e-5F);
    float largest = 0;
    for (int32_t c = 0; c < norm.cols; ++c) {
      scratch[c] = (row[c] - mean) * factor * norm.gamma[c] + norm.beta[c];
      const float size = scratch[c] < 0 ? -scratch[c] : scratch[c];
      largest = size > largest ? size : largest;
    }
    y_scale[r] = largest / 127.0F;
    const float inverse = largest > 0 ? 127.0F / largest : 0.0F;
    for (int32_t c = 0; c < norm.cols; ++c) out[c] = round_to_byte(scratch[c] * inverse);
  }
}

}  // namespace amanuensis::device::npu::tile
