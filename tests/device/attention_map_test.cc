// The CPU backend's attention map and log-sum-exp against their formulas in double precision, for every instruction set
// this machine has and every compute type.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "device/cpu/cpu_backend.h"
#include "support/kernel_data.h"

namespace amanuensis::device {
namespace {

using test::GuardedMatrix;

constexpr std::size_t kHeads = 3;
constexpr std::size_t kHeadDim = 20;
constexpr std::size_t kWidth = kHeads * kHeadDim;

struct Case {
  std::string isa;
  ComputeType type;
};

std::vector<Case> cases() {
  std::vector<Case> found;
  for (const char* isa : {"scalar", "avx2", "avx512f", "avx512_vnni", "avx512", "neon"}) {
    try {
      kernels::select_kernels(detect_cpu_features(), isa);
    } catch (const Error&) {
      continue;  // not on this machine
    }
    for (const ComputeType type : {ComputeType::kFloat32, ComputeType::kBFloat16, ComputeType::kInt8}) {
      found.push_back({isa, type});
    }
  }
  return found;
}

class AttentionMapTest : public testing::TestWithParam<Case> {
 protected:
  ThreadPool pool_{3};
  std::unique_ptr<Backend> backend_ =
      make_cpu_backend({.pool = pool_,
                        .kernels = kernels::select_kernels(detect_cpu_features(), GetParam().isa),
                        .compute_type = GetParam().type});
};

// What one query row gives to `visible` keys in one head.
std::vector<double> expected_weights(std::span<const float> q, TensorView<const float> k, std::size_t head,
                                     std::size_t visible) {
  std::vector<double> weights;
  double total = 0;
  for (std::size_t j = 0; j < visible; ++j) {
    double score = 0;
    for (std::size_t d = head * kHeadDim; d < (head + 1) * kHeadDim; ++d) score += static_cast<double>(q[d]) * k(j, d);
    weights.push_back(std::exp(score / std::sqrt(static_cast<double>(kHeadDim))));
    total += weights.back();
  }
  for (double& weight : weights) weight /= total;
  return weights;
}

TEST_P(AttentionMapTest, GivesTheChosenHeadsOfEverySequence) {
  struct Sequence {
    std::size_t rows;
    std::size_t visible;
    std::vector<std::size_t> chosen;
  };
  const std::vector<Sequence> sequences = {{1, 100, {0}}, {5, 37, {2, 0}}, {2, 64, {}}, {4, 1, {0, 1, 2}}};
  std::vector<GuardedMatrix> q, k, weights;
  std::vector<std::unique_ptr<KvCache>> caches;
  std::vector<AttentionMap> items;
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    const auto& [rows, visible, chosen] = sequences[s];
    q.emplace_back(rows, kWidth, kWidth + 1);
    q.back().fill_random(static_cast<std::uint32_t>(2 * s), -2.0f, 2.0f);
    k.emplace_back(100, kWidth);
    k.back().fill_random(static_cast<std::uint32_t>(2 * s + 1), -2.0f, 2.0f);
    weights.emplace_back(chosen.size() * rows, visible, visible + 5);
    caches.push_back(backend_->make_kv_cache(100, kHeads, kHeadDim));
    backend_->write_kv(*caches.back(), 0, k.back().view(), k.back().view());
  }
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    items.push_back({.cache = caches[s].get(),
                     .q = q[s].view(),
                     .visible = sequences[s].visible,
                     .chosen = sequences[s].chosen,
                     .weights = weights[s].view()});
  }
  backend_->attention_map(items);
  const double tolerance = GetParam().type == ComputeType::kFloat32 ? 1e-5 : 5e-2;
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    const auto& [rows, visible, chosen] = sequences[s];
    EXPECT_TRUE(weights[s].guards_intact());
    for (std::size_t row = 0; row < chosen.size() * rows; ++row) {
      const std::vector<double> expected =
          expected_weights(q[s].view().row(row % rows), k[s].view(), chosen[row / rows], visible);
      for (std::size_t j = 0; j < visible; ++j) {
        ASSERT_NEAR(weights[s].view()(row, j), expected[j], tolerance * expected[j])
            << "sequence " << s << " row " << row << " key " << j;
      }
    }
  }
}

TEST_P(AttentionMapTest, LogSumExpOfEveryRow) {
  GuardedMatrix x(7, 301, 305);
  x.fill_random(1, -9.0f, 9.0f);
  std::vector<float> out(7);
  backend_->log_sum_exp(x.view(), out);
  for (std::size_t row = 0; row < out.size(); ++row) {
    double total = 0;
    for (const float value : x.view().row(row)) total += std::exp(static_cast<double>(value));
    EXPECT_NEAR(out[row], std::log(total), 1e-5);
  }
}

TEST_P(AttentionMapTest, EmptyCallsDoNothing) {
  backend_->attention_map({});
  backend_->log_sum_exp({}, {});
  SUCCEED();
}

INSTANTIATE_TEST_SUITE_P(All, AttentionMapTest, testing::ValuesIn(cases()), [](const auto& tested) {
  return tested.param.isa + "_" + std::string(to_string(tested.param.type));
});

}  // namespace
}  // namespace amanuensis::device
