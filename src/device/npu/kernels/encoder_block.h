// Tile kernels that join an encoder block's products on the array: rounding rows of float32 to bytes, and rounding
// queries, keys and values for attention so that little is lost. Portable C++ for a compute tile and for the simulator
// alike.
#pragma once

#include <stdint.h>

#include "device/npu/kernels/layer_norm.h"

namespace amanuensis::device::npu::tile {

static const int kRowPart = 1024;  // values of a row in one element of a FIFO
static const int kRowParts = 3;    // at most
static const int kHeadDim = 64;
static const int kInputRows = 16;  // of a head's stripe

// One row in parts of kRowPart values: y * scale is the row, its largest value 127.
static inline void quantize_row(const float* const* parts, int32_t cols, int8_t* y, float* scale) {
  float largest = 0;
  for (int32_t c = 0; c < cols; ++c) {
    const float value = parts[c / kRowPart][c % kRowPart];
    const float size = value < 0 ? -value : value;
    largest = size > largest ? size : largest;
  }
  scale[0] = largest / 127.0F;
  const float factor = largest > 0 ? 127.0F / largest : 0.0F;
  for (int32_t c = 0; c < cols; ++c) y[c] = round_to_byte(parts[c / kRowPart][c % kRowPart] * factor);
}

// What one head's queries, keys and values span. What is the same for all keys does not change a softmax, so the middle
// of each channel's range is taken off; and a factor between a query's channel and the same channel of the keys is free
// to choose, so that no channel wastes the bytes' range.
struct AttentionInput {
  float low[kHeadDim];  // of the keys
  float high[kHeadDim];
  float query[kHeadDim];  // largest sizes
  float value[kHeadDim];
  float middle[kHeadDim];
  float factor[kHeadDim];  // queries are multiplied by it, keys divided
  float key;               // the largest size of a key after that
};

static inline void attention_input_begin(AttentionInput* input) {
  for (int c = 0; c < kHeadDim; ++c) {
    input->low[c] = 3.4e38F;
    input->high[c] = -3.4e38F;
    input->query[c] = 0;
    input->value[c] = 0;
  }
}

static inline float larger_size(float size, float value) {
  const float other = value < 0 ? -value : value;
  return other > size ? other : size;
}

// Stripes of rows [rows, 64] of queries, keys and values.
static inline void attention_input_see(const float* q, const float* k, const float* v, int32_t rows,
                                       AttentionInput* input) {
  for (int32_t r = 0; r < rows; ++r) {
    for (int c = 0; c < kHeadDim; ++c) {
      const float key = k[r * kHeadDim + c];
      input->low[c] = key < input->low[c] ? key : input->low[c];
      input->high[c] = key > input->high[c] ? key : input->high[c];
      input->query[c] = larger_size(input->query[c], q[r * kHeadDim + c]);
      input->value[c] = larger_size(input->value[c], v[r * kHeadDim + c]);
    }
  }
}

// After all rows were seen.
static inline void attention_input_settle(AttentionInput* input) {
  input->key = 0;
  for (int c = 0; c < kHeadDim; ++c) {
    const float range = (input->high[c] - input->low[c]) * 0.5F;
    input->middle[c] = (input->low[c] + input->high[c]) * 0.5F;
    const bool free = range > 0 && input->query[c] > 0;
    const float ratio = free ? range / input->query[c] : 1.0F;
    input->factor[c] = free ? ratio * inverse_sqrt(ratio) : 1.0F;  // the square root
    const float size = range / input->factor[c];
    input->key = size > input->key ? size : input->key;
  }
}

// What one unit of a value's channel is, for some channels.
static inline void attention_input_scales(const AttentionInput* input, int32_t first, int32_t channels,
                                          float* v_scale) {
  for (int32_t c = 0; c < channels; ++c) v_scale[c] = input->value[first + c] / 127.0F;
}

// step [rows]: one unit of a score in log2, 24 fraction bits (1 / sqrt(64) and both scales in it).
static inline void round_queries(const AttentionInput* input, const float* q, int32_t rows, int8_t* y, int32_t* step) {
  const float to_log2 = input->key / 127.0F * 0.125F * 1.44269504F;
  for (int32_t r = 0; r < rows; ++r) {
    float largest = 0;
    for (int c = 0; c < kHeadDim; ++c) largest = larger_size(largest, q[r * kHeadDim + c] * input->factor[c]);
    const float factor = largest > 0 ? 127.0F / largest : 0.0F;
    for (int c = 0; c < kHeadDim; ++c) {
      y[r * kHeadDim + c] = round_to_byte(q[r * kHeadDim + c] * input->factor[c] * factor);
    }
    const float unit = largest / 127.0F * to_log2 * 16777216.0F;
    const int32_t below = unit < 2147483000.0F ? static_cast<int32_t>(unit) : 2147483000;
    step[r] = unit - static_cast<float>(below) >= 0.5F && below < 2147483000 ? below + 1 : below;
  }
}

static inline void round_keys(const AttentionInput* input, const float* k, int32_t rows, int8_t* y) {
  const float factor = input->key > 0 ? 127.0F / input->key : 0.0F;
  for (int32_t r = 0; r < rows; ++r) {
    for (int c = 0; c < kHeadDim; ++c) {
      y[r * kHeadDim + c] = round_to_byte((k[r * kHeadDim + c] - input->middle[c]) / input->factor[c] * factor);
    }
  }
}

// y [64, rows]: transposed; its rows are `stride` apart.
static inline void round_values(const AttentionInput* input, const float* v, int32_t rows, int32_t stride, int8_t* y) {
  for (int c = 0; c < kHeadDim; ++c) {
    const float factor = input->value[c] > 0 ? 127.0F / input->value[c] : 0.0F;
    for (int32_t r = 0; r < rows; ++r) y[c * stride + r] = round_to_byte(v[r * kHeadDim + c] * factor);
  }
}

}  // namespace amanuensis::device::npu::tile
