// The readable reference of attention in bytes: one query at a time, blocks of keys as the fast forms have them. Bytes
// are kept as float32 whole numbers, less the middles of their ranges, each matrix followed by its steps.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/attention/attention_impl.h"

namespace amanuensis::kernels {
namespace {

constexpr std::size_t kBlockKeys = 192;
constexpr float kByteLimit = 127.0f;
constexpr float kWeightLimit = 255.0f;

// What a head is prepared into.
struct Layout {
  Layout(std::size_t frames, std::size_t dim)
      : keys(0),
        key_steps(frames * dim),
        values(key_steps + frames),
        value_steps(values + frames * dim),
        value_centre(value_steps + dim),
        key_centre(value_centre + dim),
        floats(key_centre + dim) {}
  std::size_t keys, key_steps, values, value_steps, value_centre, key_centre, floats;
};

// The middle of each column's range.
void centres_of(const float* x, std::size_t stride, std::size_t rows, std::size_t dim, float* centre) {
  for (std::size_t d = 0; d < dim; ++d) {
    float low = x[d];
    float high = x[d];
    for (std::size_t r = 1; r < rows; ++r) {
      low = std::min(low, x[r * stride + d]);
      high = std::max(high, x[r * stride + d]);
    }
    centre[d] = 0.5f * (low + high);
  }
}

float quantise(float x, float step) { return step > 0 ? std::nearbyint(x / step) : 0.0f; }

// One row of values to whole steps, in place; returns the step.
float quantise_row(float* x, std::size_t n) {
  float largest = 0;
  for (std::size_t i = 0; i < n; ++i) largest = std::max(largest, std::abs(x[i]));
  const float step = largest / kByteLimit;
  for (std::size_t i = 0; i < n; ++i) x[i] = quantise(x[i], step);
  return step;
}

// Adds one block of keys to a query's running softmax.
struct Running {
  float largest = -std::numeric_limits<float>::infinity();
  float total = 0;
};

void add_block(const float* scores, std::size_t count, const float* values, std::size_t dim, Running& running,
               float* sum) {
  const float block_largest = *std::max_element(scores, scores + count);
  const float largest = std::max(running.largest, block_largest);
  const float shrink = std::exp(running.largest - largest);
  const float gain = std::exp(block_largest - largest);
  running.total *= shrink;
  for (std::size_t d = 0; d < dim; ++d) sum[d] *= shrink;
  for (std::size_t j = 0; j < count; ++j) {
    const float weight = gain * std::nearbyint(kWeightLimit * std::exp(scores[j] - block_largest));
    running.total += weight;
    for (std::size_t d = 0; d < dim; ++d) sum[d] += weight * values[j * dim + d];
  }
  running.largest = largest;
}

}  // namespace

std::size_t self_attention_int8_prepared_scalar(std::size_t frames, std::size_t head_dim) noexcept {
  return Layout(frames, head_dim).floats * sizeof(float);
}

// One query, the running sum of its values, and a block's scores.
std::size_t self_attention_int8_scratch_scalar(std::size_t head_dim) noexcept {
  return (2 * head_dim + kBlockKeys) * sizeof(float);
}

void self_attention_int8_prepare_scalar(const AttentionKeys& keys, std::byte* prepared) noexcept {
  const std::size_t dim = keys.head_dim;
  const Layout at(keys.frames, dim);
  auto* to = reinterpret_cast<float*>(prepared);
  centres_of(keys.k, keys.k_stride, keys.frames, dim, to + at.key_centre);
  centres_of(keys.v, keys.v_stride, keys.frames, dim, to + at.value_centre);
  for (std::size_t j = 0; j < keys.frames; ++j) {
    float* row = to + at.keys + j * dim;
    for (std::size_t d = 0; d < dim; ++d) row[d] = keys.k[j * keys.k_stride + d] - to[at.key_centre + d];
    to[at.key_steps + j] = quantise_row(row, dim);
  }
  for (std::size_t d = 0; d < dim; ++d) {
    float largest = 0;
    for (std::size_t j = 0; j < keys.frames; ++j) {
      float& value = to[at.values + j * dim + d];
      value = keys.v[j * keys.v_stride + d] - to[at.value_centre + d];
      largest = std::max(largest, std::abs(value));
    }
    const float step = largest / kByteLimit;
    for (std::size_t j = 0; j < keys.frames; ++j) {
      float& value = to[at.values + j * dim + d];
      value = quantise(value, step);
    }
    to[at.value_steps + d] = step;
  }
}

void self_attention_int8_scalar(const AttentionQueries& queries) noexcept {
  const std::size_t dim = queries.head_dim;
  const Layout at(queries.frames, dim);
  const auto* from = reinterpret_cast<const float*>(queries.prepared);
  auto* q = reinterpret_cast<float*>(queries.scratch);
  float* sum = q + dim;
  float* scores = sum + dim;
  const float scale = 1.0f / std::sqrt(static_cast<float>(dim));
  for (std::size_t row = 0; row < queries.rows; ++row) {
    std::copy_n(queries.q + row * queries.q_stride, dim, q);
    const float query_step = quantise_row(q, dim) * scale;
    std::fill_n(sum, dim, 0.0f);
    Running running;
    for (std::size_t first = 0; first < queries.frames; first += kBlockKeys) {
      const std::size_t count = std::min(kBlockKeys, queries.frames - first);
      for (std::size_t j = 0; j < count; ++j) {
        const float* key = from + at.keys + (first + j) * dim;
        float product = 0;
        for (std::size_t d = 0; d < dim; ++d) product += q[d] * key[d];
        scores[j] = product * query_step * from[at.key_steps + first + j];
      }
      add_block(scores, count, from + at.values + first * dim, dim, running, sum);
    }
    float* out = queries.out + row * queries.out_stride;
    for (std::size_t d = 0; d < dim; ++d) {
      const float steps = running.total > 0 ? sum[d] / running.total : 0.0f;
      out[d] = steps * from[at.value_steps + d] + from[at.value_centre + d];
    }
  }
}

}  // namespace amanuensis::kernels
