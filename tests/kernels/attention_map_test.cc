// The attention map: every variant against double precision, at hostile sizes.
#include "kernels/attention/attention_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "base/aligned_buffer.h"
#include "kernel_cases.h"
#include "kernels/bfloat16.h"
#include "support/kernel_data.h"

namespace amanuensis::kernels {
namespace {

using test::GuardedMatrix;

struct Shape {
  std::size_t dim;
  std::size_t visible;
  std::size_t rows;
};

std::vector<double> reference(TensorView<const float> q, TensorView<const float> k, std::size_t visible) {
  std::vector<double> map;
  for (std::size_t row = 0; row < q.rows(); ++row) {
    std::vector<double> scores(visible);
    for (std::size_t j = 0; j < visible; ++j) {
      for (std::size_t d = 0; d < q.cols(); ++d) scores[j] += static_cast<double>(q(row, d)) * k(j, d);
      scores[j] /= std::sqrt(static_cast<double>(q.cols()));
    }
    const double largest = *std::ranges::max_element(scores);
    double total = 0;
    for (const double score : scores) total += std::exp(score - largest);
    for (const double score : scores) map.push_back(std::exp(score - largest) / total);
  }
  return map;
}

// Keys in a cache's layout; a float32 one unless the type says otherwise.
class Keys {
 public:
  Keys(AttentionType type, std::size_t capacity, TensorView<const float> k)
      : type_(type), floats_(CacheLayout(type, capacity, k.cols()).head_elements()), bits_(floats_.size()) {
    const CacheLayout layout(type, capacity, k.cols());
    for (std::size_t row = 0; row < k.rows(); ++row) {
      for (std::size_t d = 0; d < k.cols(); ++d) floats_[layout.key_index(row, d)] = k(row, d);
    }
    for (std::size_t i = 0; i < bits_.size(); ++i) bits_[i] = bfloat16_from_float(floats_[i]);
  }
  const void* data() const {
    return type_ == AttentionType::kFloat32 ? static_cast<const void*>(floats_.data()) : bits_.data();
  }

 private:
  AttentionType type_;
  AlignedBuffer<float> floats_;
  AlignedBuffer<std::uint16_t> bits_;
};

// What rounding a score of about `largest` costs its exponential.
double tolerance(AttentionType type, std::size_t dim) {
  const double largest = 9.0 * std::sqrt(static_cast<double>(dim));
  return type == AttentionType::kFloat32 ? 1e-6 * largest : 4e-3 * largest;
}

void expect_map(const AttentionMapVariant& variant, const Shape& shape) {
  SCOPED_TRACE(testing::Message() << to_string(variant.isa)
                                  << (variant.type == AttentionType::kFloat32 ? " f32" : " bf16") << " head size "
                                  << shape.dim << ", " << shape.visible << " visible, " << shape.rows << " rows");
  // More rows than are seen: a variant that looks too far reads these.
  const std::size_t capacity = shape.visible + 7;
  GuardedMatrix q(shape.rows, shape.dim, shape.dim + 1);
  GuardedMatrix k(capacity, shape.dim);
  q.fill_random(1, -3.0f, 3.0f);
  k.fill_random(2, -3.0f, 3.0f);
  const Keys keys(variant.type, capacity, k.view());
  AlignedBuffer<float> scratch(cached_attention_scratch(shape.visible, shape.dim));
  GuardedMatrix map(shape.rows, shape.visible, shape.visible + 3);
  variant.run({.keys = keys.data(),
               .head_dim = shape.dim,
               .q = q.data(),
               .q_stride = shape.dim + 1,
               .rows = shape.rows,
               .visible = shape.visible,
               .map = map.data(),
               .map_stride = shape.visible + 3,
               .scratch = scratch.data()});
  EXPECT_TRUE(map.guards_intact());
  const std::vector<double> expected = reference(q.view(), k.view(), shape.visible);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const float got = map.view()(i / shape.visible, i % shape.visible);
    ASSERT_NEAR(got, expected[i], tolerance(variant.type, shape.dim) * expected[i] + 1e-7) << "at " << i;
  }
}

TEST(AttentionMap, EveryVariantMatchesDoublePrecisionOnHostileSizes) {
  for (const AttentionMapVariant& variant : runnable(attention_map_variants())) {
    for (const std::size_t dim : {1, 2, 3, 7, 16, 31, 64, 65, 80}) {
      for (const std::size_t visible : {1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 97}) {
        expect_map(variant, {dim, visible, 2});
      }
    }
    expect_map(variant, {64, 1500, 5});
  }
}

TEST(AttentionMap, OfNothingWritesNothing) {
  for (const AttentionMapVariant& variant : runnable(attention_map_variants())) {
    variant.run({.head_dim = 8, .rows = 3, .visible = 0});
    variant.run({.head_dim = 8, .rows = 0, .visible = 5});
  }
}

}  // namespace
}  // namespace amanuensis::kernels
