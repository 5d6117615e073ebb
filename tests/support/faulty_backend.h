// A backend that fails when it is told to: by count, as a device that drops out would, or by what it is given, as a
// defect that one input brings out would. Everything else goes to the backend behind it. Header only.
#pragma once

#include <atomic>
#include <cmath>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "base/error.h"
#include "device/backend.h"

namespace amanuensis::test {

class FaultyBackend : public device::Backend {
 public:
  // An encoder input with this value in its first frame makes the convolution fail.
  static constexpr float kPoison = 1.0e6F;

  explicit FaultyBackend(device::Backend& backend) : backend_(backend) {}

  // The compute call after so many more fails, once.
  void fail_after(std::size_t calls) { countdown_.store(static_cast<std::ptrdiff_t>(calls)); }
  std::size_t caches_made() const { return caches_made_.load(); }

  std::string description() const override { return "faulty " + backend_.description(); }
  device::ComputeType compute_type() const override { return backend_.compute_type(); }
  std::unique_ptr<device::LinearWeights> prepare_linear(const device::MatrixSource& weight,
                                                        std::span<const float> bias) override {
    return backend_.prepare_linear(weight, bias);
  }
  void linear(const device::LinearWeights& weights, TensorView<const float> x, TensorView<float> y,
              const device::Epilogue& epilogue) override {
    count();
    backend_.linear(weights, x, y, epilogue);
  }
  void norm_linear(const device::LinearWeights& weights, const device::LayerNorm& norm, TensorView<const float> x,
                   TensorView<float> y, const device::Epilogue& epilogue) override {
    count();
    backend_.norm_linear(weights, norm, x, y, epilogue);
  }
  std::unique_ptr<device::ConvWeights> prepare_conv1d(const device::MatrixSource& weight, std::span<const float> bias,
                                                      const device::ConvShape& shape) override {
    return backend_.prepare_conv1d(weight, bias, shape);
  }
  void conv1d_gelu(const device::ConvWeights& weights, TensorView<const float> x, TensorView<float> y) override {
    if (x(0, 0) == kPoison) throw Error(ErrorCode::kInternal, "poisoned");
    count();
    backend_.conv1d_gelu(weights, x, y);
  }
  void layer_norm(TensorView<const float> x, std::span<const float> gamma, std::span<const float> beta,
                  TensorView<float> y) override {
    backend_.layer_norm(x, gamma, beta, y);
  }
  void self_attention(TensorView<const float> q, TensorView<const float> k, TensorView<const float> v,
                      std::size_t heads, TensorView<float> out) override {
    backend_.self_attention(q, k, v, heads, out);
  }
  std::unique_ptr<device::KvCache> make_kv_cache(std::size_t capacity, std::size_t heads,
                                                 std::size_t head_dim) override {
    caches_made_.fetch_add(1);
    return backend_.make_kv_cache(capacity, heads, head_dim);
  }
  void write_kv(device::KvCache& cache, std::size_t first, TensorView<const float> k,
                TensorView<const float> v) override {
    backend_.write_kv(cache, first, k, v);
  }
  void copy_kv(device::KvCache& to, const device::KvCache& from, std::size_t rows) override {
    backend_.copy_kv(to, from, rows);
  }
  void cached_attention(std::span<const device::CachedAttention> items, std::size_t heads) override {
    count();
    backend_.cached_attention(items, heads);
  }
  void attention_map(std::span<const device::AttentionMap> items) override { backend_.attention_map(items); }
  void log_sum_exp(TensorView<const float> x, std::span<float> out) override { backend_.log_sum_exp(x, out); }
  device::RowSummary summarise(std::span<const float> row) const override { return backend_.summarise(row); }

 private:
  void count() {
    if (countdown_.fetch_sub(1) == 0) throw Error(ErrorCode::kInternal, "the device dropped out");
  }

  device::Backend& backend_;
  std::atomic<std::ptrdiff_t> countdown_{-1};
  std::atomic<std::size_t> caches_made_{0};
};

}  // namespace amanuensis::test
