// The backend runs the kernels of the table it was given and no others: every entry of a table is replaced by one that
// leaves a mark. With select_test.cc (a forced set fills the whole table) this shows that a forced set really runs.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

#include "device/cpu/cpu_backend.h"
#include "support/kernel_data.h"

namespace amanuensis::device {
namespace {

using kernels::GemmType;
using kernels::KernelTable;

// Kernels are plain functions, so what they saw is kept here, and cleared by every test.
std::set<std::string>& ran() {
  static std::set<std::string> names;
  return names;
}

KernelTable reference() { return kernels::select_kernels(CpuFeatures{}); }

template <GemmType kType>
void spy_gemm(const kernels::GemmWeights& weights, const kernels::GemmTask& task) noexcept {
  ran().insert("gemm " + std::string(to_string(kType)));
  reference().gemm(kType).run(weights, task);
}
void spy_layer_norm(const float* x, const float* gamma, const float* beta, float* y, std::size_t n) noexcept {
  ran().insert("layer_norm");
  reference().layer_norm->run(x, gamma, beta, y, n);
}
void spy_self_attention_f32(const kernels::AttentionQueries& queries) noexcept {
  ran().insert("self_attention float32");
  reference().self_attention_f32->run(queries);
}
void spy_self_attention_bf16(const kernels::AttentionQueries& queries) noexcept {
  ran().insert("self_attention bfloat16");
  reference().self_attention_bf16->run(queries);
}
void spy_self_attention_int8(const kernels::AttentionQueries& queries) noexcept {
  ran().insert("self_attention int8");
  reference().self_attention_int8->run(queries);
}
void spy_cached_attention_int8(const kernels::CachedAttentionTask& task) noexcept {
  ran().insert("cached_attention int8");
  reference().cached_attention_int8->run(task);
}
void spy_cached_attention_f32(const kernels::CachedAttentionTask& task) noexcept {
  ran().insert("cached_attention float32");
  reference().cached_attention_f32->run(task);
}
void spy_cached_attention_bf16(const kernels::CachedAttentionTask& task) noexcept {
  ran().insert("cached_attention bfloat16");
  reference().cached_attention_bf16->run(task);
}

// A table of spies; it must live as long as the backend that points into it.
class SpyTable {
 public:
  SpyTable() : table_(reference()) {
    gemm_f32_ = *table_.gemm_f32;
    gemm_f32_.run = spy_gemm<GemmType::kFloat32>;
    gemm_bf16_ = *table_.gemm_bf16;
    gemm_bf16_.run = spy_gemm<GemmType::kBFloat16>;
    gemm_int8_ = *table_.gemm_int8;
    gemm_int8_.run = spy_gemm<GemmType::kInt8>;
    layer_norm_.run = spy_layer_norm;
    self_attention_f32_ = *table_.self_attention_f32;
    self_attention_f32_.run = spy_self_attention_f32;
    self_attention_bf16_ = *table_.self_attention_bf16;
    self_attention_bf16_.run = spy_self_attention_bf16;
    cached_attention_f32_ = *table_.cached_attention_f32;
    cached_attention_f32_.run = spy_cached_attention_f32;
    cached_attention_bf16_ = *table_.cached_attention_bf16;
    cached_attention_bf16_.run = spy_cached_attention_bf16;
    self_attention_int8_ = *table_.self_attention_int8;
    self_attention_int8_.run = spy_self_attention_int8;
    cached_attention_int8_ = *table_.cached_attention_int8;
    cached_attention_int8_.run = spy_cached_attention_int8;
    table_.gemm_f32 = &gemm_f32_;
    table_.gemm_bf16 = &gemm_bf16_;
    table_.gemm_int8 = &gemm_int8_;
    table_.layer_norm = &layer_norm_;
    table_.self_attention_f32 = &self_attention_f32_;
    table_.self_attention_bf16 = &self_attention_bf16_;
    table_.self_attention_int8 = &self_attention_int8_;
    table_.cached_attention_int8 = &cached_attention_int8_;
    table_.cached_attention_f32 = &cached_attention_f32_;
    table_.cached_attention_bf16 = &cached_attention_bf16_;
  }
  SpyTable(const SpyTable&) = delete;
  SpyTable& operator=(const SpyTable&) = delete;

  const KernelTable& table() const { return table_; }

 private:
  KernelTable table_;
  kernels::GemmVariant gemm_f32_{};
  kernels::GemmVariant gemm_bf16_{};
  kernels::GemmVariant gemm_int8_{};
  kernels::LayerNormVariant layer_norm_{};
  kernels::SelfAttentionVariant self_attention_f32_{};
  kernels::SelfAttentionVariant self_attention_bf16_{};
  kernels::SelfAttentionVariant self_attention_int8_{};
  kernels::CachedAttentionVariant cached_attention_f32_{};
  kernels::CachedAttentionVariant cached_attention_int8_{};
  kernels::CachedAttentionVariant cached_attention_bf16_{};
};

class Identity final : public MatrixSource {
 public:
  explicit Identity(std::size_t rows, std::size_t cols) : rows_(rows), cols_(cols) {}
  std::size_t rows() const override { return rows_; }
  std::size_t cols() const override { return cols_; }
  void read_row(std::size_t row, std::span<float> out) const override {
    std::ranges::fill(out, 0.0f);
    if (row < out.size()) out[row] = 1.0f;
  }

 private:
  std::size_t rows_;
  std::size_t cols_;
};

// Calls every operation of the port once.
std::set<std::string> kernels_of_all_operations(ComputeType type) {
  ran().clear();
  ThreadPool pool(1);
  const SpyTable spies;
  const auto backend = make_cpu_backend({.pool = pool, .kernels = spies.table(), .compute_type = type});
  test::GuardedMatrix x(6, 8);
  x.fill_random(1);
  test::GuardedMatrix y(6, 8);
  const std::vector<float> ones(8, 1.0f);
  backend->linear(*backend->prepare_linear(Identity(8, 8), {}), x.view(), y.view(), {});
  backend->layer_norm(x.view(), ones, ones, y.view());
  backend->self_attention(x.view(), x.view(), x.view(), 2, y.view());
  const auto cache = backend->make_kv_cache(6, 2, 4);
  backend->write_kv(*cache, 0, x.view(), x.view());
  const std::array items = {CachedAttention{.cache = cache.get(), .q = x.view(), .out = y.view(), .visible = 6}};
  backend->cached_attention(items, 2);
  return ran();
}

std::set<std::string> kernels_of_convolution(ComputeType type) {
  ran().clear();
  ThreadPool pool(1);
  const SpyTable spies;
  const auto backend = make_cpu_backend({.pool = pool, .kernels = spies.table(), .compute_type = type});
  test::GuardedMatrix x(6, 8);
  x.fill_random(1);
  test::GuardedMatrix y(6, 8);
  const std::vector<float> bias(8, 0.0f);
  const ConvShape shape = {.in_channels = 8, .kernel = 3, .stride = 1, .padding = 1};
  backend->conv1d_gelu(*backend->prepare_conv1d(Identity(8, 24), bias, shape), x.view(), y.view());
  return ran();
}

using Names = std::set<std::string>;

TEST(ForcedKernels, Float32RunsTheTablesFloat32Kernels) {
  EXPECT_EQ(kernels_of_all_operations(ComputeType::kFloat32),
            (Names{"gemm float32", "layer_norm", "self_attention float32", "cached_attention float32"}));
  EXPECT_EQ(kernels_of_convolution(ComputeType::kFloat32), Names{"gemm float32"});
}

TEST(ForcedKernels, BFloat16RunsTheTablesBFloat16Kernels) {
  EXPECT_EQ(kernels_of_all_operations(ComputeType::kBFloat16),
            (Names{"gemm bfloat16", "layer_norm", "self_attention bfloat16", "cached_attention bfloat16"}));
  EXPECT_EQ(kernels_of_convolution(ComputeType::kBFloat16), Names{"gemm bfloat16"});
}

TEST(ForcedKernels, Int8RunsInt8LinearsAndAttentionAndBFloat16Convolutions) {
  EXPECT_EQ(kernels_of_all_operations(ComputeType::kInt8),
            (Names{"gemm int8", "layer_norm", "self_attention int8", "cached_attention int8"}));
  EXPECT_EQ(kernels_of_convolution(ComputeType::kInt8), Names{"gemm bfloat16"});
}

}  // namespace
}  // namespace amanuensis::device
