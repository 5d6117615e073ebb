// Self-attention and attention over caches: every variant against double precision.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "kernel_cases.h"
#include "kernels/attention/cache_rows.h"
#include "kernels/attention/cached_attention.h"
#include "kernels/attention/self_attention.h"
#include "support/kernel_data.h"

namespace amanuensis::kernels {
namespace {

using test::GuardedMatrix;

std::vector<double> reference(TensorView<const float> q, TensorView<const float> k, TensorView<const float> v,
                              std::size_t visible, bool causal) {
  const std::size_t dim = q.cols();
  std::vector<double> out;
  for (std::size_t row = 0; row < q.rows(); ++row) {
    const std::size_t keys = visible + (causal ? row : 0);
    std::vector<double> weights(keys);
    double largest = -1e300;
    for (std::size_t j = 0; j < keys; ++j) {
      double score = 0;
      for (std::size_t d = 0; d < dim; ++d) score += static_cast<double>(q(row, d)) * k(j, d);
      weights[j] = score / std::sqrt(static_cast<double>(dim));
      largest = std::max(largest, weights[j]);
    }
    double total = 0;
    for (double& weight : weights) total += weight = std::exp(weight - largest);
    for (std::size_t d = 0; d < dim; ++d) {
      double sum = 0;
      for (std::size_t j = 0; j < keys; ++j) sum += weights[j] * v(j, d);
      out.push_back(keys > 0 ? sum / total : 0.0);
    }
  }
  return out;
}

// Root mean square of the output's error, as a share of the values' root mean square: an output is an average of
// values, which may cancel, so its own size says nothing.
double error_share(TensorView<const float> out, const std::vector<double>& expected, TensorView<const float> v) {
  double error = 0;
  for (std::size_t r = 0; r < out.rows(); ++r) {
    for (std::size_t c = 0; c < out.cols(); ++c) {
      const double difference = out(r, c) - expected[r * out.cols() + c];
      error += difference * difference;
    }
  }
  double norm = 0;
  for (std::size_t r = 0; r < v.rows(); ++r) {
    for (const float value : v.row(r)) norm += static_cast<double>(value) * value;
  }
  const auto mean = [](double sum, std::size_t count) { return sum / static_cast<double>(count); };
  const double share = std::sqrt(mean(error, expected.size()) / mean(norm, v.rows() * v.cols()));
  return std::isnan(share) ? std::numeric_limits<double>::infinity() : share;
}

// What a type's rounding of queries, keys, weights and values explains, for scores of up to about ten.
double tolerance(AttentionType type) {
  switch (type) {
    case AttentionType::kFloat32:
      return 2e-6;
    case AttentionType::kBFloat16:
      return 1.5e-2;
    case AttentionType::kInt8:
      return 3e-2;
  }
  return 0;
}

std::string describe(Isa isa, AttentionType type) {
  return std::string(to_string(isa)) + " " + std::string(to_string(type));
}

TEST(SelfAttention, EveryVariantMatchesDoublePrecisionOnHostileSizes) {
  for (const SelfAttentionVariant& variant : runnable(self_attention_variants())) {
    for (const std::size_t dim : {1, 3, 16, 31, 64, 80}) {
      for (const std::size_t frames : {1, 2, 12, 13, 33, 192, 193, 230}) {
        SCOPED_TRACE(testing::Message() << describe(variant.isa, variant.type) << " head size " << dim << ", " << frames
                                        << " frames");
        GuardedMatrix q(frames, dim, dim + 1);
        GuardedMatrix k(frames, dim, dim + 2);
        GuardedMatrix v(frames, dim, dim + 3);
        q.fill_random(1, -3.0f, 3.0f);
        k.fill_random(2, -3.0f, 3.0f);
        v.fill_random(3);
        AlignedBuffer<std::byte> prepared(variant.prepared_bytes(frames, dim));
        AlignedBuffer<std::byte> scratch(variant.scratch_bytes(dim));
        variant.prepare(
            {.k = k.data(), .k_stride = dim + 2, .v = v.data(), .v_stride = dim + 3, .frames = frames, .head_dim = dim},
            prepared.data());
        GuardedMatrix out(frames, dim, dim + 4);
        for (std::size_t first = 0; first < frames; first += variant.query_block) {
          variant.run({.prepared = prepared.data(),
                       .frames = frames,
                       .head_dim = dim,
                       .q = q.data() + first * (dim + 1),
                       .q_stride = dim + 1,
                       .rows = std::min(variant.query_block, frames - first),
                       .out = out.data() + first * (dim + 4),
                       .out_stride = dim + 4,
                       .scratch = scratch.data()});
        }
        EXPECT_TRUE(out.guards_intact());
        EXPECT_LE(error_share(out.view(), reference(q.view(), k.view(), v.view(), frames, false), v.view()),
                  tolerance(variant.type));
      }
    }
  }
}

// A cache of one head in the layout all variants share.
class OneHeadCache {
 public:
  OneHeadCache(AttentionType type, std::size_t capacity, TensorView<const float> k, TensorView<const float> v)
      : layout_(type, capacity, k.cols()), memory_(layout_.head_bytes()) {
    store_cache_rows(type, layout_, memory_.data(), 0, k, v);
  }
  const void* keys() const { return memory_.data(); }
  const void* values() const { return memory_.data() + layout_.values_offset(); }
  const float* key_steps() const { return steps(layout_.key_steps_offset()); }
  const float* value_steps() const { return steps(layout_.value_steps_offset()); }

 private:
  const float* steps(std::size_t offset) const {
    return layout_.has_steps() ? reinterpret_cast<const float*>(memory_.data() + offset) : nullptr;
  }

  CacheLayout layout_;
  AlignedBuffer<std::byte> memory_;
};

void expect_cached(const CachedAttentionVariant& variant, std::size_t dim, std::size_t visible, std::size_t rows,
                   bool causal) {
  SCOPED_TRACE(testing::Message() << describe(variant.isa, variant.type) << " head size " << dim << ", " << visible
                                  << " visible, " << rows << " rows" << (causal ? ", causal" : ""));
  const std::size_t keys = visible + (causal ? rows - 1 : 0);
  // More rows than are seen: a variant that looks too far reads these.
  const std::size_t capacity = keys + 7;
  GuardedMatrix q(rows, dim, dim + 1);
  GuardedMatrix k(capacity, dim);
  GuardedMatrix v(capacity, dim);
  q.fill_random(1, -3.0f, 3.0f);
  k.fill_random(2, -3.0f, 3.0f);
  v.fill_random(3);
  const OneHeadCache cache(variant.type, capacity, k.view(), v.view());
  AlignedBuffer<float> scratch(cached_attention_scratch(keys, dim));
  GuardedMatrix out(rows, dim, dim + 2);
  variant.run({.keys = cache.keys(),
               .values = cache.values(),
               .key_steps = cache.key_steps(),
               .value_steps = cache.value_steps(),
               .head_dim = dim,
               .q = q.data(),
               .q_stride = dim + 1,
               .rows = rows,
               .visible = visible,
               .causal = causal,
               .out = out.data(),
               .out_stride = dim + 2,
               .scratch = scratch.data()});
  EXPECT_TRUE(out.guards_intact());
  EXPECT_LE(error_share(out.view(), reference(q.view(), k.view(), v.view(), visible, causal), v.view()),
            tolerance(variant.type));
}

TEST(CachedAttention, EveryVariantMatchesDoublePrecisionOnHostileSizes) {
  for (const CachedAttentionVariant& variant : runnable(cached_attention_variants())) {
    for (const std::size_t dim : {1, 2, 3, 7, 8, 15, 17, 31, 64, 65, 80, 128}) {
      for (const std::size_t visible : {1, 2, 31, 32, 33, 63, 64, 65, 97, 448}) {
        expect_cached(variant, dim, visible, 1, true);
      }
      expect_cached(variant, dim, 5, 4, false);
      expect_cached(variant, dim, 1, 70, true);
      expect_cached(variant, dim, 30, 9, true);
      for (const std::size_t rows : {2, 3, 4, 7}) expect_cached(variant, dim, 67, rows, false);
    }
  }
}

TEST(CachedAttention, ARowThatSeesNothingGetsZeros) {
  for (const CachedAttentionVariant& variant : runnable(cached_attention_variants())) {
    expect_cached(variant, 20, 0, 3, true);
  }
}

// Continuous batching rests on this: what a row becomes does not depend on the rows stored with it.
TEST(CacheRows, GroupsOfRowsBecomeTheSameBytesAsOneRowAtATime) {
  constexpr std::size_t kCapacity = 100;
  for (const CacheGroupsVariant& variant : runnable(cache_groups_variants())) {
    for (const std::size_t dim : {1, 3, 4, 15, 16, 17, 31, 64, 65, 80, 128}) {
      for (const std::size_t first : {0, 1, 16, 32, 37}) {
        for (const std::size_t rows : {1, 15, 16, 17, 33, 63}) {
          SCOPED_TRACE(testing::Message()
                       << to_string(variant.isa) << " head size " << dim << ", " << rows << " rows from " << first);
          GuardedMatrix k(rows, dim, dim + 1);
          GuardedMatrix v(rows, dim, dim + 2);
          k.fill_random(1, -3.0f, 3.0f);
          v.fill_random(2);
          std::ranges::fill(k.view().row(rows / 2), 0.0f);
          const CacheLayout layout(AttentionType::kInt8, kCapacity, dim);
          AlignedBuffer<std::byte> one_by_one(layout.head_bytes());
          AlignedBuffer<std::byte> together(layout.head_bytes());
          for (std::size_t i = 0; i < rows; ++i) {
            store_cache_rows(AttentionType::kInt8, layout, one_by_one.data(), first + i, k.view().rows_at(i, 1),
                             v.view().rows_at(i, 1));
          }
          store_cache_rows(AttentionType::kInt8, layout, together.data(), first, k.view(), v.view(), &variant);
          EXPECT_TRUE(std::ranges::equal(together.span(), one_by_one.span()));
        }
      }
    }
  }
}

}  // namespace
}  // namespace amanuensis::kernels
