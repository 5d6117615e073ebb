// Blocked self-attention in bytes, over a policy `B` (byte_policies_<isa>.h), on the matrix product's tiles; transposed
// as in self_attention_simd.h. What is rounded to bytes, and with which steps:
//   keys     less the middle of each dimension's range, which moves every score of a query alike; a step per key
//   queries  a step per query
//   values   less the middle of each dimension's range, which is added again at the end; a step per dimension
//   weights  2^(score - largest score of the block of keys), unsigned, so that each block uses all of its bits.
//   Policies
//            with a table of powers round the exponent to 1/64, which is less than what rounding queries and keys moves
//            it by; the others take a polynomial
// Sums of products are exact; maxima, exponentials and what is carried from block to block are float32. (Subtracting
// the keys' mean: Zhang et al. 2024, arXiv 2410.02367.)
//
// prepared  key blocks, value blocks (gemm blocks with steps in their headers), middles of keys and values,
//           half the range of values
// scratch   queries [units(head_dim)][cols], scores [kKeysAtOnce][cols], weights [units(kKeysAtOnce)][cols],
//           sums [head_dim][cols], offsets [cols], query steps [cols]
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/attention/self_attention.h"
#include "kernels/attention/self_attention_simd.h"
#include "kernels/gemm/gemm_simd.h"
#include "kernels/simd/vector_math.h"

namespace amanuensis::kernels {

// B::weights(exponents, units) turns four keys' exponents, of all queries of a panel, into weights at once; they are
// passed as -64 times log2(weight / kWeightLimit), and may be as large as they like.
template <typename B>
concept HasWeightTable = requires {
  B::kWeightTableSteps;
};

template <typename B>
std::size_t byte_attention_prepared_bytes(std::size_t frames, std::size_t head_dim) {
  return attention_prepared_bytes<typename B::Scores>(frames, head_dim) + 3 * head_dim * sizeof(float);
}

template <typename B>
std::size_t byte_attention_scratch_bytes(std::size_t head_dim) {
  return attention_scratch_bytes<typename B::Scores>(head_dim) + 2 * 4 * kPolicyPanelCols<typename B::Scores>;
}

// For each column of x [rows, dim]: the middle of its range, and half of its width.
template <typename B>
void byte_attention_ranges(const float* x, std::size_t stride, std::size_t rows, std::size_t dim, float* centre,
                           float* half) {
  using V = typename B::V;
  for (std::size_t d = 0; d < dim; d += V::kLanes) {
    const std::size_t lanes = dim - d < V::kLanes ? dim - d : V::kLanes;
    const auto load = [&](std::size_t r) {
      return lanes == V::kLanes ? V::load(x + r * stride + d) : V::load_first(x + r * stride + d, lanes);
    };
    typename V::F low = load(0);
    typename V::F high = low;
    for (std::size_t r = 1; r < rows; ++r) {
      const typename V::F row = load(r);
      low = V::min(low, row);
      high = V::max(high, row);
    }
    const typename V::F middle = V::mul(V::set(0.5f), V::add(low, high));
    const typename V::F width = V::max(V::sub(high, middle), V::sub(middle, low));
    if (lanes == V::kLanes) {
      V::store(centre + d, middle);
      V::store(half + d, width);
    } else {
      V::store_first(centre + d, lanes, middle);
      V::store_first(half + d, lanes, width);
    }
  }
}

template <typename B>
void byte_attention_prepare_keys(const AttentionKeys& keys, const float* centre, std::byte* blocks) {
  using V = typename B::V;
  using S = typename B::Scores;
  constexpr std::size_t kRows = S::kBlockRows;
  constexpr std::size_t kChunkValues = kChunkUnits * 4;
  const std::size_t dim = keys.head_dim;
  for (std::size_t first = 0; first < keys.frames; first += kRows, blocks += policy_block_bytes<S>(dim)) {
    const std::size_t rows = keys.frames - first < kRows ? keys.frames - first : kRows;
    auto* steps = reinterpret_cast<float*>(blocks);
    for (std::size_t r = 0; r < rows; ++r) {
      const float* key = keys.k + (first + r) * keys.k_stride;
      typename V::F largest = V::zero();
      std::size_t d = 0;
      for (; d + V::kLanes <= dim; d += V::kLanes) {
        largest = V::max(largest, V::abs(V::sub(V::load(key + d), V::load(centre + d))));
      }
      if (d < dim) {
        const typename V::F rest = V::sub(V::load_first(key + d, dim - d), V::load_first(centre + d, dim - d));
        largest = V::max(largest, V::abs(rest));
      }
      const float most = V::reduce_max(largest);
      steps[r] = most / static_cast<float>(B::kKeyLimit);
      const float inverse = most > 0.0f ? static_cast<float>(B::kKeyLimit) / most : 0.0f;
      auto* to = reinterpret_cast<std::uint32_t*>(blocks + kBlockHeaderBytes) + r * kChunkUnits;
      for (d = 0; d < dim; d += kChunkValues, to += rows * kChunkUnits) {
        const std::size_t count = dim - d < kChunkValues ? dim - d : kChunkValues;
        float chunk[kChunkValues];
        for (std::size_t i = 0; i < count; ++i) chunk[i] = key[d + i] - centre[d + i];
        B::pack_keys(chunk, count, inverse, to);
      }
    }
  }
}

// Four rows of values at a time become a vector of units, one for each dimension; sixteen of them are a cache line of
// each dimension.
template <typename B>
void byte_attention_prepare_values(const AttentionKeys& keys, const float* centre, const float* half,
                                   std::byte* blocks) {
  using V = typename B::V;
  using S = typename B::Values;
  constexpr std::size_t kRows = S::kBlockRows;
  const std::size_t dim = keys.head_dim;
  const auto block_of = [&](std::size_t d) { return blocks + d / kRows * policy_block_bytes<S>(keys.frames); };
  for (std::size_t d = 0; d < dim; ++d) reinterpret_cast<float*>(block_of(d))[d % kRows] = half[d] / 127.0f;
  for (std::size_t d = 0; d < dim; d += V::kLanes) {
    const std::size_t lanes = dim - d < V::kLanes ? dim - d : V::kLanes;
    float inverse[V::kLanes] = {};
    float middle[V::kLanes] = {};
    for (std::size_t i = 0; i < lanes; ++i) {
      inverse[i] = half[d + i] > 0.0f ? 127.0f / half[d + i] : 0.0f;
      middle[i] = centre[d + i];
    }
    const typename V::F scale = V::load(inverse);
    const typename V::F offset = V::load(middle);
    for (std::size_t chunk = 0; chunk < policy_units<S>(keys.frames) / kChunkUnits; ++chunk) {
      std::uint32_t units[kChunkUnits][V::kLanes];
      for (std::size_t u = 0; u < kChunkUnits; ++u) {
        typename V::F row[4];
        for (std::size_t i = 0; i < 4; ++i) {
          const std::size_t j = (chunk * kChunkUnits + u) * 4 + i;
          row[i] = V::zero();
          if (j < keys.frames) {
            const float* v = keys.v + j * keys.v_stride + d;
            const typename V::F value = lanes == V::kLanes ? V::load(v) : V::load_first(v, lanes);
            row[i] = V::mul(V::sub(value, offset), scale);
          }
        }
        B::store_units(units[u], B::make_units(row));
      }
      for (std::size_t i = 0; i < lanes; ++i) {
        const std::size_t row = (d + i) % kRows;
        const std::size_t first = d + i - row;
        const std::size_t rows = dim - first < kRows ? dim - first : kRows;
        auto* to =
            reinterpret_cast<std::uint32_t*>(block_of(d + i) + kBlockHeaderBytes) + (chunk * rows + row) * kChunkUnits;
        for (std::size_t u = 0; u < kChunkUnits; ++u) to[u] = units[u][i];
      }
    }
  }
}

template <typename B>
void byte_attention_prepare(const AttentionKeys& keys, std::byte* prepared) {
  using S = typename B::Scores;
  auto* key_centre = reinterpret_cast<float*>(prepared + attention_prepared_bytes<S>(keys.frames, keys.head_dim));
  float* value_centre = key_centre + keys.head_dim;
  float* half = value_centre + keys.head_dim;
  byte_attention_ranges<B>(keys.k, keys.k_stride, keys.frames, keys.head_dim, key_centre, half);
  byte_attention_prepare_keys<B>(keys, key_centre, prepared);
  byte_attention_ranges<B>(keys.v, keys.v_stride, keys.frames, keys.head_dim, value_centre, half);
  byte_attention_prepare_values<B>(keys, value_centre, half,
                                   prepared + attention_key_bytes<S>(keys.frames, keys.head_dim));
}

// The queries as a panel, a vector of queries at a time: rows are rounded to bytes, then turned. offsets[query] takes
// back what the keys' offset adds to every product, steps[query] turns a product of steps into the softmax's exponent
// of two.
template <typename B>
void byte_attention_pack_queries(const AttentionQueries& queries, std::uint32_t* panel, std::int32_t* offsets,
                                 float* steps) {
  using V = typename B::V;
  constexpr std::size_t kCols = kPolicyPanelCols<typename B::Scores>;
  constexpr std::size_t kChunkValues = kChunkUnits * 4;
  constexpr std::uint32_t kOnes = 0x01010101;
  const std::size_t dim = queries.head_dim;
  const float scale = kLog2E / __builtin_sqrtf(static_cast<float>(dim));
  for (std::size_t first = 0; first < kCols; first += V::kLanes) {
    float inverse[V::kLanes];
    for (std::size_t i = 0; i < V::kLanes; ++i) {
      const bool exists = first + i < queries.rows;
      const float largest = exists ? largest_magnitude<V>(queries.q + (first + i) * queries.q_stride, dim) : 0.0f;
      inverse[i] = largest > 0.0f ? 127.0f / largest : 0.0f;
      steps[first + i] = largest / 127.0f * scale;
    }
    typename B::Int sum = B::zero();
    std::uint32_t* to = panel + first;
    for (std::size_t d = 0; d < dim; d += kChunkValues) {
      alignas(64) std::uint32_t units[V::kLanes][kChunkUnits] = {};
      for (std::size_t i = 0; i < V::kLanes && first + i < queries.rows; ++i) {
        const float* q = queries.q + (first + i) * queries.q_stride + d;
        B::pack_signed(q, dim - d < kChunkValues ? dim - d : kChunkValues, inverse[i], units[i]);
      }
      for (std::size_t u = 0; u < kChunkUnits; u += V::kLanes, to += V::kLanes * kCols) {
        typename V::F tile[V::kLanes];  // whose bits are units
        for (std::size_t i = 0; i < V::kLanes; ++i) tile[i] = V::load(reinterpret_cast<const float*>(units[i] + u));
        V::transpose(tile);
        for (std::size_t i = 0; i < V::kLanes; ++i) {
          V::store(reinterpret_cast<float*>(to + i * kCols), tile[i]);
          if constexpr (B::kKeyOffset != 0) sum = B::dot(sum, B::broadcast(&kOnes), B::to_units(tile[i]));
        }
      }
    }
    alignas(64) std::int32_t sums[V::kLanes];
    B::store_units(reinterpret_cast<std::uint32_t*>(sums), sum);
    for (std::size_t i = 0; i < V::kLanes; ++i) offsets[first + i] = -B::kKeyOffset * sums[i];
  }
}

// scores[row][query] of one block of R keys, in the queries' steps; raises `largest` to theirs.
template <typename B, int R>
void byte_attention_scores(const std::byte* block, const std::uint32_t* queries, std::size_t units, std::size_t rows,
                           const std::int32_t* offsets, float* scores, typename B::V::F (&largest)[kPanelVectors]) {
  using V = typename B::V;
  if constexpr (R > 1) {
    if (rows < R) {
      byte_attention_scores<B, R - 1>(block, queries, units, rows, offsets, scores, largest);
      return;
    }
  }
  typename B::Int sums[R][kPanelVectors];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < kPanelVectors; ++c) sums[r][c] = B::load(offsets + static_cast<std::size_t>(c) * V::kLanes);
  }
  accumulate<typename B::Scores, R, 1>(sums, reinterpret_cast<const std::uint32_t*>(block + kBlockHeaderBytes), queries,
                                       0, units);
  const auto* steps = reinterpret_cast<const float*>(block);
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    const typename V::F step = V::set(steps[r]);
    for (int c = 0; c < kPanelVectors; ++c) {
      const typename V::F score = V::mul(B::to_float(sums[r][c]), step);
      largest[c] = V::max(largest[c], score);
      V::store(scores + (r * kPanelVectors + c) * V::kLanes, score);
    }
  }
}

// What the running softmax of one panel of queries keeps, and what the last block of keys changed.
template <typename V>
struct ByteSoftmax {
  typename V::F largest[kPanelVectors];
  typename V::F total[kPanelVectors];
  typename V::F shrink[kPanelVectors];  // by how much the new maximum shrinks earlier sums
  typename V::F gain[kPanelVectors];    // what one step of this block's weights is worth
};

// Four keys' exponents as weights: 2^x, rounded to bytes, or as HasWeightTable says.
template <typename B>
[[gnu::always_inline]] inline void byte_attention_weights(const typename B::V::F (&exponents)[4][kPanelVectors],
                                                          typename B::Int (&units)[kPanelVectors]) {
  using V = typename B::V;
  if constexpr (HasWeightTable<B>) {
    B::weights(exponents, units);
  } else {
#pragma GCC unroll 2
    for (int c = 0; c < kPanelVectors; ++c) {
      typename V::F weight[4];
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) weight[i] = exp2_rough<V>(exponents[i][c]);
      units[c] = B::make_units(weight);
    }
  }
}

// Turns `count` rows of scores, at most `largest`, into the panel of weights, and updates the running maximum and
// total.
template <typename B>
void byte_attention_softmax(const float* scores, std::size_t count, const float* steps,
                            const typename B::V::F (&largest)[kPanelVectors], std::uint32_t* weights,
                            ByteSoftmax<typename B::V>& running) {
  using V = typename B::V;
  using F = typename V::F;
  constexpr std::size_t kCols = kPolicyPanelCols<typename B::Scores>;
  constexpr float kScale = HasWeightTable<B> ? -64.0f : 1.0f;
  constexpr float kAtLargest = HasWeightTable<B> ? 0.0f : B::kLargestWeightLog2;
  // Far below any weight of one step, for the keys that a last unit lacks.
  const F nothing = V::set(-100.0f * kScale);
  F step[kPanelVectors];
  F base[kPanelVectors];
  typename B::Int total[kPanelVectors];
  for (int c = 0; c < kPanelVectors; ++c) {
    step[c] = V::load(steps + static_cast<std::size_t>(c) * V::kLanes);
    const F block_largest = V::mul(largest[c], step[c]);
    const F running_largest = V::max(running.largest[c], block_largest);
    running.shrink[c] = exp2<V>(V::sub(running.largest[c], running_largest));
    running.gain[c] = exp2<V>(V::sub(block_largest, running_largest));
    running.largest[c] = running_largest;
    step[c] = V::mul(step[c], V::set(kScale));
    base[c] = V::sub(V::set(kAtLargest), V::mul(largest[c], step[c]));
    total[c] = B::zero();
  }
  const auto add_unit = [&](std::size_t j, std::size_t keys) {
    F exponents[4][kPanelVectors];
#pragma GCC unroll 4
    for (std::size_t i = 0; i < 4; ++i) {
#pragma GCC unroll 2
      for (int c = 0; c < kPanelVectors; ++c) {
        const float* score = scores + (j + i) * kCols + static_cast<std::size_t>(c) * V::kLanes;
        exponents[i][c] = i < keys ? V::fma(V::load(score), step[c], base[c]) : nothing;
      }
    }
    typename B::Int units[kPanelVectors];
    byte_attention_weights<B>(exponents, units);
#pragma GCC unroll 2
    for (int c = 0; c < kPanelVectors; ++c) {
      total[c] = B::add_bytes(total[c], units[c]);
      B::store_units(weights + j / 4 * kCols + static_cast<std::size_t>(c) * V::kLanes, units[c]);
    }
  };
  std::size_t j = 0;
  for (; j + 4 <= count; j += 4) add_unit(j, 4);
  if (j < count) add_unit(j, count - j);
  for (std::size_t u = (count + 3) / 4; u < policy_units<typename B::Scores>(count); ++u) {
    for (std::size_t col = 0; col < kCols; ++col) weights[u * kCols + col] = 0;
  }
  for (int c = 0; c < kPanelVectors; ++c) {
    const F added = V::mul(B::to_float(total[c]), running.gain[c]);
    running.total[c] = V::fma(running.total[c], running.shrink[c], added);
  }
}

// sums[d][query] = sums[d][query] * shrink[query] + values * weights * gain[query], for one block of R dimensions.
template <typename B, int R>
void byte_attention_values(const std::uint32_t* values, const std::uint32_t* weights, std::size_t units,
                           std::size_t rows, const ByteSoftmax<typename B::V>& running, float* out) {
  using V = typename B::V;
  if constexpr (R > 1) {
    if (rows < R) {
      byte_attention_values<B, R - 1>(values, weights, units, rows, running, out);
      return;
    }
  }
  typename B::Int sums[R][kPanelVectors];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < kPanelVectors; ++c) sums[r][c] = B::zero();
  }
  accumulate<typename B::Values, R, 1>(sums, values, weights, 0, units);
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < kPanelVectors; ++c) {
      float* sum = out + (r * kPanelVectors + c) * V::kLanes;
      const typename V::F earlier = V::mul(V::load(sum), running.shrink[c]);
      V::store(sum, V::fma(B::to_float(sums[r][c]), running.gain[c], earlier));
    }
  }
}

// out[query][d] = sums[d][query] / total[query], in values.
template <typename B>
void byte_attention_store(const AttentionQueries& queries, const float* sums,
                          const ByteSoftmax<typename B::V>& running) {
  using V = typename B::V;
  using S = typename B::Values;
  constexpr std::size_t kCols = kPolicyPanelCols<S>;
  constexpr std::size_t kRows = S::kBlockRows;
  const std::size_t dim = queries.head_dim;
  const std::byte* blocks = queries.prepared + attention_key_bytes<S>(queries.frames, dim);
  const auto* centre =
      reinterpret_cast<const float*>(queries.prepared + attention_prepared_bytes<S>(queries.frames, dim)) + dim;
  typename V::F inverse[kPanelVectors];
  for (int c = 0; c < kPanelVectors; ++c) {
    float total[V::kLanes];
    V::store(total, running.total[c]);
    for (float& value : total) value = value > 0.0f ? 1.0f / value : 0.0f;
    inverse[c] = V::load(total);
  }
  const auto value_of = [&](std::size_t d, int c) {
    const auto* block_steps =
        reinterpret_cast<const float*>(blocks + d / kRows * policy_block_bytes<S>(queries.frames));
    const float* sum = sums + d * kCols + static_cast<std::size_t>(c) * V::kLanes;
    return V::fma(V::mul(V::load(sum), inverse[c]), V::set(block_steps[d % kRows]), V::set(centre[d]));
  };
  // Rows of results are far apart: each gets a vector of dimensions at a time, not one after the other.
  for (int c = 0; c < kPanelVectors; ++c) {
    const std::size_t first = static_cast<std::size_t>(c) * V::kLanes;
    const std::size_t rows = queries.rows <= first              ? 0
                             : queries.rows - first < V::kLanes ? queries.rows - first
                                                                : V::kLanes;
    for (std::size_t d = 0; d < dim; d += V::kLanes) {
      const std::size_t lanes = dim - d < V::kLanes ? dim - d : V::kLanes;
      typename V::F tile[V::kLanes];
      for (std::size_t i = 0; i < V::kLanes; ++i) tile[i] = i < lanes ? value_of(d + i, c) : V::zero();
      V::transpose(tile);
      for (std::size_t r = 0; r < rows; ++r) {
        float* out = queries.out + (first + r) * queries.out_stride + d;
        if (lanes == V::kLanes) {
          V::store(out, tile[r]);
        } else {
          V::store_first(out, lanes, tile[r]);
        }
      }
    }
  }
}

template <typename B>
void byte_attention_run(const AttentionQueries& queries) {
  using V = typename B::V;
  using S = typename B::Scores;
  constexpr std::size_t kCols = kPolicyPanelCols<S>;
  constexpr std::size_t kRows = S::kBlockRows;
  const std::size_t dim = queries.head_dim;
  const std::size_t dim_units = policy_units<S>(dim);
  auto* panel = reinterpret_cast<std::uint32_t*>(queries.scratch);
  auto* scores = reinterpret_cast<float*>(panel + dim_units * kCols);
  auto* weights = reinterpret_cast<std::uint32_t*>(scores + kKeysAtOnce * kCols);
  auto* sums = reinterpret_cast<float*>(weights + policy_units<S>(kKeysAtOnce) * kCols);
  auto* offsets = reinterpret_cast<std::int32_t*>(sums + dim * kCols);
  auto* steps = reinterpret_cast<float*>(offsets + kCols);
  const std::byte* value_blocks = queries.prepared + attention_key_bytes<S>(queries.frames, dim);

  byte_attention_pack_queries<B>(queries, panel, offsets, steps);
  for (std::size_t i = 0; i < dim * kCols; ++i) sums[i] = 0.0f;
  ByteSoftmax<V> running;
  for (int c = 0; c < kPanelVectors; ++c) {
    running.largest[c] = V::set(kNoScore);
    running.total[c] = V::zero();
  }
  for (std::size_t first = 0; first < queries.frames; first += kKeysAtOnce) {
    const std::size_t count = queries.frames - first < kKeysAtOnce ? queries.frames - first : kKeysAtOnce;
    typename V::F largest[kPanelVectors];
    for (int c = 0; c < kPanelVectors; ++c) largest[c] = V::set(kNoScore);
    for (std::size_t j = 0; j < count; j += kRows) {
      const std::byte* block = queries.prepared + (first + j) / kRows * policy_block_bytes<S>(dim);
      byte_attention_scores<B, S::kBlockRows>(block, panel, dim_units, count - j < kRows ? count - j : kRows, offsets,
                                              scores + j * kCols, largest);
    }
    byte_attention_softmax<B>(scores, count, steps, largest, weights, running);
    for (std::size_t d = 0; d < dim; d += kRows) {
      const std::size_t rows = dim - d < kRows ? dim - d : kRows;
      const std::byte* block = value_blocks + d / kRows * policy_block_bytes<S>(queries.frames) + kBlockHeaderBytes;
      const auto* units = reinterpret_cast<const std::uint32_t*>(block) + first / 4 * rows;
      byte_attention_values<B, S::kBlockRows>(units, weights, policy_units<S>(count), rows, running, sums + d * kCols);
    }
  }
  byte_attention_store<B>(queries, sums, running);
}

}  // namespace amanuensis::kernels
