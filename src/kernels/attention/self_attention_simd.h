// Blocked self-attention on the matrix product's tiles, over one of its policies `D` (float32 or bfloat16).
//
// Scores are computed transposed: keys are the tile's rows, queries its columns. A vector then holds one key's scores
// of many queries, so that the softmax needs no horizontal maximum or sum, and its weights come out as the panel that
// the second product (values transposed, times weights) wants. A query block is one panel wide.
//
// prepared  key blocks (gemm blocks of k), then value blocks (gemm blocks of v transposed)
// scratch   queries [units(head_dim)][cols], scores [kKeysAtOnce][cols], weights [units(kKeysAtOnce)][cols],
//           sums [head_dim][cols]
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/attention/self_attention.h"
#include "kernels/gemm/gemm_simd.h"
#include "kernels/simd/vector_math.h"

namespace amanuensis::kernels {

// A multiple of every policy's rows and chunk values; scores and weights of that many keys stay in the first two cache
// levels.
inline constexpr std::size_t kKeysAtOnce = 192;

// Below every score, and far from overflow.
inline constexpr float kNoScore = -1e30f;

template <typename D>
std::size_t attention_key_bytes(std::size_t frames, std::size_t head_dim) {
  return (frames + D::kBlockRows - 1) / D::kBlockRows * policy_block_bytes<D>(head_dim);
}

template <typename D>
std::size_t attention_prepared_bytes(std::size_t frames, std::size_t head_dim) {
  return attention_key_bytes<D>(frames, head_dim) +
         (head_dim + D::kBlockRows - 1) / D::kBlockRows * policy_block_bytes<D>(frames);
}

template <typename D>
std::size_t attention_scratch_bytes(std::size_t head_dim) {
  return (policy_units<D>(head_dim) + kKeysAtOnce + policy_units<D>(kKeysAtOnce) + head_dim) * 4 * kPolicyPanelCols<D>;
}

template <typename D>
void attention_prepare(const AttentionKeys& keys, std::byte* prepared) {
  constexpr std::size_t kRows = D::kBlockRows;
  constexpr std::size_t kChunkValues = kChunkUnits * D::kValues;
  gemm_pack_rows<D>(keys.k, keys.k_stride, keys.frames, keys.head_dim, prepared);
  std::byte* block = prepared + attention_key_bytes<D>(keys.frames, keys.head_dim);
  for (std::size_t first = 0; first < keys.head_dim; first += kRows, block += policy_block_bytes<D>(keys.frames)) {
    const std::size_t rows = keys.head_dim - first < kRows ? keys.head_dim - first : kRows;
    auto* to = reinterpret_cast<std::uint32_t*>(block + kBlockHeaderBytes);
    for (std::size_t i = 0; i < keys.frames; i += kChunkValues) {
      const std::size_t count = keys.frames - i < kChunkValues ? keys.frames - i : kChunkValues;
      float chunk[kMaxBlockRows][kChunkValues];
      for (std::size_t j = 0; j < count; ++j) {
        const float* v = keys.v + (i + j) * keys.v_stride + first;
        for (std::size_t r = 0; r < rows; ++r) chunk[r][j] = v[r];
      }
      for (std::size_t r = 0; r < rows; ++r, to += kChunkUnits) D::pack_chunk(chunk[r], count, 1.0f, to);
    }
  }
}

// The queries as a panel, scaled so that 2^score is the softmax's exponential.
template <typename D>
void attention_pack_queries(const AttentionQueries& queries, std::uint32_t* panel) {
  constexpr std::size_t kCols = kPolicyPanelCols<D>;
  constexpr std::size_t kChunkValues = kChunkUnits * D::kValues;
  const float scale = kLog2E / __builtin_sqrtf(static_cast<float>(queries.head_dim));
  for (std::size_t i = 0; i < queries.head_dim; i += kChunkValues, panel += kChunkUnits * kCols) {
    const std::size_t count = queries.head_dim - i < kChunkValues ? queries.head_dim - i : kChunkValues;
    for (std::size_t col = 0; col < kCols; ++col) {
      std::uint32_t units[kChunkUnits] = {};
      if (col < queries.rows) {
        float scaled[kChunkValues];
        for (std::size_t j = 0; j < count; ++j) scaled[j] = queries.q[col * queries.q_stride + i + j] * scale;
        D::pack_chunk(scaled, count, 1.0f, units);
      }
      for (std::size_t u = 0; u < kChunkUnits; ++u) panel[u * kCols + col] = units[u];
    }
  }
}

// scores[row][query] of one block of R keys.
template <typename D, int R>
void attention_scores(const std::uint32_t* keys, const std::uint32_t* queries, std::size_t units, std::size_t rows,
                      float* scores) {
  if constexpr (R > 1) {
    if (rows < R) {
      attention_scores<D, R - 1>(keys, queries, units, rows, scores);
      return;
    }
  }
  typename D::Sum sums[R][kPanelVectors];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < kPanelVectors; ++c) sums[r][c] = D::zero();
  }
  accumulate<D, R, 1>(sums, keys, queries, 0, units);
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < kPanelVectors; ++c) D::V::store(scores + (r * kPanelVectors + c) * D::V::kLanes, sums[r][c]);
  }
}

// sums[d][query] = sums[d][query] * shrink[query] + values * weights, for one block of R dimensions.
template <typename D, int R>
void attention_values(const std::uint32_t* values, const std::uint32_t* weights, std::size_t units, std::size_t rows,
                      const typename D::V::F (&shrink)[kPanelVectors], float* out) {
  if constexpr (R > 1) {
    if (rows < R) {
      attention_values<D, R - 1>(values, weights, units, rows, shrink, out);
      return;
    }
  }
  typename D::Sum sums[R][kPanelVectors];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < kPanelVectors; ++c) {
      sums[r][c] = D::V::mul(D::V::load(out + (r * kPanelVectors + c) * D::V::kLanes), shrink[c]);
    }
  }
  accumulate<D, R, 1>(sums, values, weights, 0, units);
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < kPanelVectors; ++c) D::V::store(out + (r * kPanelVectors + c) * D::V::kLanes, sums[r][c]);
  }
}

// What the running softmax of one panel of queries keeps.
template <typename V>
struct RunningSoftmax {
  typename V::F largest[kPanelVectors];
  typename V::F total[kPanelVectors];
  typename V::F shrink[kPanelVectors];  // by how much the new maximum shrinks earlier sums
};

// Turns `count` rows of scores into the panel of weights, and updates the running maximum and total.
template <typename D>
void attention_softmax(const float* scores, std::size_t count, std::uint32_t* weights,
                       RunningSoftmax<typename D::V>& running) {
  using V = typename D::V;
  using F = typename V::F;
  constexpr std::size_t kCols = kPolicyPanelCols<D>;
  constexpr std::size_t kValues = D::kValues;
  F largest[kPanelVectors];
  F total[kPanelVectors];
  for (int c = 0; c < kPanelVectors; ++c) largest[c] = running.largest[c];
  for (std::size_t j = 0; j < count; ++j) {
    for (int c = 0; c < kPanelVectors; ++c) {
      largest[c] = V::max(largest[c], V::load(scores + j * kCols + static_cast<std::size_t>(c) * V::kLanes));
    }
  }
  for (int c = 0; c < kPanelVectors; ++c) {
    running.shrink[c] = exp2<V>(V::sub(running.largest[c], largest[c]));
    running.largest[c] = largest[c];
    total[c] = V::mul(running.total[c], running.shrink[c]);
  }
  for (std::size_t j = 0; j < count; j += kValues, weights += kCols) {
    for (int c = 0; c < kPanelVectors; ++c) {
      F weight[kValues];
      for (std::size_t i = 0; i < kValues; ++i) {
        weight[i] = V::zero();
        if (j + i < count) {
          const float* score = scores + (j + i) * kCols + static_cast<std::size_t>(c) * V::kLanes;
          weight[i] = exp2<V>(V::sub(V::load(score), largest[c]));
        }
        total[c] = V::add(total[c], weight[i]);
      }
      D::store_units(weight, weights + static_cast<std::size_t>(c) * V::kLanes);
    }
  }
  const std::size_t units = (count + kValues - 1) / kValues;
  for (std::size_t i = units * kCols; i < policy_units<D>(count) * kCols; ++i) (weights - units * kCols)[i] = 0;
  for (int c = 0; c < kPanelVectors; ++c) running.total[c] = total[c];
}

template <typename D>
void attention_run(const AttentionQueries& queries) {
  using V = typename D::V;
  constexpr std::size_t kCols = kPolicyPanelCols<D>;
  constexpr std::size_t kRows = D::kBlockRows;
  const std::size_t dim = queries.head_dim;
  const std::size_t dim_units = policy_units<D>(dim);
  auto* panel = reinterpret_cast<std::uint32_t*>(queries.scratch);
  auto* scores = reinterpret_cast<float*>(panel + dim_units * kCols);
  auto* weights = reinterpret_cast<std::uint32_t*>(scores + kKeysAtOnce * kCols);
  auto* sums = reinterpret_cast<float*>(weights + policy_units<D>(kKeysAtOnce) * kCols);
  const std::byte* key_blocks = queries.prepared;
  const std::byte* value_blocks = queries.prepared + attention_key_bytes<D>(queries.frames, dim);

  attention_pack_queries<D>(queries, panel);
  for (std::size_t i = 0; i < dim * kCols; ++i) sums[i] = 0.0f;
  RunningSoftmax<V> running;
  for (int c = 0; c < kPanelVectors; ++c) {
    running.largest[c] = V::set(kNoScore);
    running.total[c] = V::zero();
  }
  for (std::size_t first = 0; first < queries.frames; first += kKeysAtOnce) {
    const std::size_t count = queries.frames - first < kKeysAtOnce ? queries.frames - first : kKeysAtOnce;
    for (std::size_t j = 0; j < count; j += kRows) {
      const std::byte* block = key_blocks + (first + j) / kRows * policy_block_bytes<D>(dim) + kBlockHeaderBytes;
      attention_scores<D, D::kBlockRows>(reinterpret_cast<const std::uint32_t*>(block), panel, dim_units,
                                         count - j < kRows ? count - j : kRows, scores + j * kCols);
    }
    attention_softmax<D>(scores, count, weights, running);
    for (std::size_t d = 0; d < dim; d += kRows) {
      const std::size_t rows = dim - d < kRows ? dim - d : kRows;
      const std::byte* block = value_blocks + d / kRows * policy_block_bytes<D>(queries.frames) + kBlockHeaderBytes;
      const auto* units = reinterpret_cast<const std::uint32_t*>(block) + first / D::kValues * rows;
      attention_values<D, D::kBlockRows>(units, weights, policy_units<D>(count), rows, running.shrink,
                                         sums + d * kCols);
    }
  }
  float total[kCols];
  for (int c = 0; c < kPanelVectors; ++c) {
    V::store(total + static_cast<std::size_t>(c) * V::kLanes, running.total[c]);
  }
  for (std::size_t col = 0; col < queries.rows; ++col) {
    float* out = queries.out + col * queries.out_stride;
    const float inverse = total[col] > 0.0f ? 1.0f / total[col] : 0.0f;
    for (std::size_t d = 0; d < dim; ++d) out[d] = sums[d * kCols + col] * inverse;
  }
}

}  // namespace amanuensis::kernels
