// Tile kernel: 64 queries of one head against 64 keys, in bytes, with 32-bit scores that are never rounded before the
// softmax. Called for one block of keys after the other it gives the softmax over all of them: a running maximum and
// sum for each query, and a result that is rescaled when the maximum rises (Milakov & Gimelshein 2018, arXiv
// 1805.02867; Dao et al. 2022, arXiv 2205.14135). Portable C++ for a compute tile and for the simulator alike.
//
//   q  int8 [64, 64]  queries, head_dim along the rows        k  int8 [64, 64]  keys, head_dim along the rows
//   v  int8 [64, 64]  values transposed: row c holds channel c of all 64 keys
#pragma once

#include <stdint.h>

#include "device/npu/kernels/softmax.h"

namespace amanuensis::device::npu::tile {

static const int kAttentionTile = 64;

// What a tile keeps from one block of keys to the next.
struct AttentionState {
  float out[kAttentionTile * kAttentionTile];  // sum of weight * value, in units of 2^-15
  float sum[kAttentionTile];                   // of weights, in units of 2^-15
  int32_t largest[kAttentionTile];
};

static inline void attention_begin(AttentionState* state) {
  for (int i = 0; i < kAttentionTile * kAttentionTile; ++i) state->out[i] = 0;
  for (int i = 0; i < kAttentionTile; ++i) {
    state->sum[i] = 0;
    state->largest[i] = INT32_MIN;
  }
}

struct AttentionBlock {
  const int8_t* q;
  const int32_t* q_step;  // [64]: one unit of a score in log2, 24 fraction bits
  const int8_t* k;
  const int8_t* v;
  int32_t keys;  // of the 64, how many there are; the rest is padding
};

static inline void attention_row(const AttentionBlock& block, int row, AttentionState* state) {
  int16_t query[kAttentionTile];
  for (int c = 0; c < kAttentionTile; ++c) query[c] = static_cast<int16_t>(block.q[row * kAttentionTile + c]);
  int32_t scores[kAttentionTile];
  for (int j = 0; j < kAttentionTile; ++j) {
    int32_t dot = 0;
    for (int c = 0; c < kAttentionTile; ++c) dot += query[c] * static_cast<int16_t>(block.k[j * kAttentionTile + c]);
    scores[j] = dot;
  }
  int32_t largest = state->largest[row];
  for (int j = 0; j < block.keys; ++j) largest = scores[j] > largest ? scores[j] : largest;
  float* out = state->out + row * kAttentionTile;
  if (largest > state->largest[row]) {
    // What was summed up so far shrinks to the new maximum; before the first block there is nothing to shrink.
    const float shrink =
        state->sum[row] == 0
            ? 0.0F
            : static_cast<float>(exp2_down(static_cast<int64_t>(largest) - state->largest[row], block.q_step[row])) /
                  65536.0F;
    for (int c = 0; c < kAttentionTile; ++c) out[c] *= shrink;
    state->sum[row] *= shrink;
    state->largest[row] = largest;
  }
  int16_t weights[kAttentionTile];
  int32_t sum = 0;
  for (int j = 0; j < kAttentionTile; ++j) {
    const int32_t weight =
        j < block.keys ? exp2_down(static_cast<int64_t>(largest) - scores[j], block.q_step[row]) >> 1 : 0;
    weights[j] = static_cast<int16_t>(weight);
    sum += weight;
  }
  state->sum[row] += static_cast<float>(sum);
  for (int c = 0; c < kAttentionTile; ++c) {
    int32_t dot = 0;
    for (int j = 0; j < kAttentionTile; ++j) dot += weights[j] * static_cast<int16_t>(block.v[c * kAttentionTile + j]);
    out[c] += static_cast<float>(dot);
  }
}

static inline void attention_accumulate(const AttentionBlock& block, AttentionState* state) {
  for (int row = 0; row < kAttentionTile; ++row) attention_row(block, row, state);
}

// out[i][c] = weighted mean of values: what one unit of channel c is, is v_scale[c].
static inline void attention_finish(const AttentionState* state, const float* v_scale, int32_t first_row, int32_t rows,
                                    float* out) {
  for (int32_t i = 0; i < rows; ++i) {
    const float inverse = 1.0F / state->sum[first_row + i];
    const float* sums = state->out + (first_row + i) * kAttentionTile;
    for (int c = 0; c < kAttentionTile; ++c) out[i * kAttentionTile + c] = sums[c] * inverse * v_scale[c];
  }
}

}  // namespace amanuensis::device::npu::tile
