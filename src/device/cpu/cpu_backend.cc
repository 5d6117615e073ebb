#include "device/cpu/cpu_backend.h"

#include <fmt/format.h>

#include <cassert>

#include "device/cpu/cpu_attention.h"
#include "device/cpu/cpu_linear.h"
#include "device/cpu/workspace.h"

namespace amanuensis::device {
namespace {

using kernels::GemmType;

GemmType gemm_type(ComputeType type) {
  switch (type) {
    case ComputeType::kFloat32:
      return GemmType::kFloat32;
    case ComputeType::kBFloat16:
      return GemmType::kBFloat16;
    case ComputeType::kInt8:
      return GemmType::kInt8;
  }
  return GemmType::kFloat32;
}

// A convolution's weights [out, in * kernel] read as [out, kernel * in], the order in which a time-major input has
// them.
class TimeMajorConvSource final : public MatrixSource {
 public:
  TimeMajorConvSource(const MatrixSource& source, const ConvShape& shape) : source_(source), shape_(shape) {}
  std::size_t rows() const override { return source_.rows(); }
  std::size_t cols() const override { return source_.cols(); }
  void read_row(std::size_t row, std::span<float> out) const override {
    std::vector<float> published(cols());
    source_.read_row(row, published);
    for (std::size_t c = 0; c < shape_.in_channels; ++c) {
      for (std::size_t k = 0; k < shape_.kernel; ++k) {
        out[k * shape_.in_channels + c] = published[c * shape_.kernel + k];
      }
    }
  }

 private:
  const MatrixSource& source_;
  ConvShape shape_;
};

class CpuBackend final : public Backend {
 public:
  explicit CpuBackend(const CpuBackendOptions& options)
      : pool_(options.pool),
        kernels_(options.kernels),
        compute_type_(options.compute_type),
        workspace_(options.pool.threads()) {}

  std::string description() const override {
    return fmt::format("cpu ({}, {} thread{})", kernels::to_string(kernels_.isa), pool_.threads(),
                       pool_.threads() == 1 ? "" : "s");
  }
  ComputeType compute_type() const override { return compute_type_; }

  std::unique_ptr<LinearWeights> prepare_linear(const MatrixSource& weight, std::span<const float> bias) override {
    const kernels::GemmVariant& variant = kernels_.gemm(gemm_type(compute_type_));
    return std::make_unique<CpuLinearWeights>(pack_linear(pool_, variant, weight, bias));
  }

  void linear(const LinearWeights& weights, TensorView<const float> x, TensorView<float> y,
              const Epilogue& epilogue) override {
    run_linear(pool_, workspace_, static_cast<const CpuLinearWeights&>(weights).packed(), {.x = x}, y, epilogue);
  }

  void norm_linear(const LinearWeights& weights, const LayerNorm& norm, TensorView<const float> x, TensorView<float> y,
                   const Epilogue& epilogue) override {
    assert(x.cols() == norm.gamma.size() && x.cols() == norm.beta.size());
    const RowNorm rows = {.variant = kernels_.layer_norm, .gamma = norm.gamma.data(), .beta = norm.beta.data()};
    run_linear(pool_, workspace_, static_cast<const CpuLinearWeights&>(weights).packed(), {.x = x, .norm = &rows}, y,
               epilogue);
  }

  std::unique_ptr<ConvWeights> prepare_conv1d(const MatrixSource& weight, std::span<const float> bias,
                                              const ConvShape& shape) override {
    assert(weight.cols() == shape.in_channels * shape.kernel && shape.stride > 0);
    const TimeMajorConvSource source(weight, shape);
    // int8 stops short of the convolutions: they are 4 % of the encoder's work, and every layer inherits their error.
    const bool is_float32 = compute_type_ == ComputeType::kFloat32;
    const kernels::GemmVariant& variant = kernels_.gemm(is_float32 ? GemmType::kFloat32 : GemmType::kBFloat16);
    return std::make_unique<CpuConvWeights>(pack_linear(pool_, variant, source, bias), shape);
  }

  void conv1d_gelu(const ConvWeights& weights, TensorView<const float> x, TensorView<float> y) override {
    run_conv1d_gelu(pool_, workspace_, static_cast<const CpuConvWeights&>(weights), x, y);
  }

  void layer_norm(TensorView<const float> x, std::span<const float> gamma, std::span<const float> beta,
                  TensorView<float> y) override {
    assert(x.cols() == gamma.size() && x.cols() == beta.size() && y.rows() == x.rows() && y.cols() == x.cols());
    const auto normalise = [&](std::size_t row, std::size_t /*worker*/) {
      kernels_.layer_norm->run(x.data() + row * x.stride(), gamma.data(), beta.data(), y.data() + row * y.stride(),
                               x.cols());
    };
    // A few rows are done before another thread has noticed the work.
    constexpr std::size_t kRowsWorthSharing = 16;
    if (x.rows() >= kRowsWorthSharing) {
      pool_.parallel_for(x.rows(), normalise);
    } else {
      for (std::size_t row = 0; row < x.rows(); ++row) normalise(row, 0);
    }
  }

  void self_attention(TensorView<const float> q, TensorView<const float> k, TensorView<const float> v,
                      std::size_t heads, TensorView<float> out) override {
    assert(heads > 0 && q.cols() % heads == 0 && k.cols() == q.cols() && v.cols() == q.cols());
    assert(k.rows() == v.rows() && out.rows() == q.rows() && out.cols() == q.cols());
    const kernels::AttentionKeys keys = {.k = k.data(),
                                         .k_stride = k.stride(),
                                         .v = v.data(),
                                         .v_stride = v.stride(),
                                         .frames = k.rows(),
                                         .head_dim = q.cols() / heads};
    run_self_attention(pool_, workspace_, self_attention_variant(), keys, heads, q, out);
  }

  std::unique_ptr<KvCache> make_kv_cache(std::size_t capacity, std::size_t heads, std::size_t head_dim) override {
    return std::make_unique<CpuKvCache>(cached_attention_variant().type, capacity, heads, head_dim);
  }

  std::vector<std::unique_ptr<KvCache>> make_kv_caches(std::size_t count, std::size_t capacity, std::size_t heads,
                                                       std::size_t head_dim) override {
    return CpuKvCache::make_several(count, cached_attention_variant().type, capacity, heads, head_dim);
  }

  void write_kv(KvCache& cache, std::size_t first, TensorView<const float> k, TensorView<const float> v) override {
    auto& to = static_cast<CpuKvCache&>(cache);
    assert(k.cols() == to.heads() * to.head_dim() && v.cols() == k.cols() && v.rows() == k.rows());
    for_heads(to, k.rows(), [&](std::size_t head, std::size_t /*worker*/) {
      to.write_head(head, first, k.cols_at(head * to.head_dim(), to.head_dim()),
                    v.cols_at(head * to.head_dim(), to.head_dim()), *kernels_.cache_groups);
    });
  }

  void copy_kv(KvCache& to, const KvCache& from, std::size_t rows) override {
    auto& target = static_cast<CpuKvCache&>(to);
    for_heads(target, rows, [&](std::size_t head, std::size_t /*worker*/) {
      target.copy_head(head, static_cast<const CpuKvCache&>(from), rows);
    });
  }

  void cached_attention(std::span<const CachedAttention> items, std::size_t heads) override {
    run_cached_attention(pool_, workspace_, {cached_attention_variant(), *kernels_.cache_groups}, items, heads);
  }

  void attention_map(std::span<const AttentionMap> items) override {
    const bool is_bfloat16 = cached_attention_variant().type == kernels::AttentionType::kBFloat16;
    run_attention_map(pool_, workspace_, is_bfloat16 ? *kernels_.attention_map_bf16 : *kernels_.attention_map_f32,
                      items);
  }

  void log_sum_exp(TensorView<const float> x, std::span<float> out) override {
    assert(out.size() == x.rows());
    pool_.parallel_for(x.rows(), [&](std::size_t row, std::size_t /*worker*/) {
      out[row] = kernels_.log_sum_exp->run(x.data() + row * x.stride(), x.cols());
    });
  }

  RowSummary summarise(std::span<const float> row) const override {
    const kernels::ExpSum sum = kernels_.log_sum_exp->parts(row.data(), row.size());
    return {.index = sum.index, .largest = sum.largest, .sum = sum.sum};
  }

 private:
  const kernels::SelfAttentionVariant& self_attention_variant() const {
    switch (compute_type_) {
      case ComputeType::kFloat32:
        return *kernels_.self_attention_f32;
      case ComputeType::kBFloat16:
        return *kernels_.self_attention_bf16;
      case ComputeType::kInt8:
        return *kernels_.self_attention_int8;
    }
    return *kernels_.self_attention_f32;
  }
  const kernels::CachedAttentionVariant& cached_attention_variant() const {
    switch (compute_type_) {
      case ComputeType::kFloat32:
        return *kernels_.cached_attention_f32;
      case ComputeType::kBFloat16:
        return *kernels_.cached_attention_bf16;
      case ComputeType::kInt8:
        return *kernels_.cached_attention_int8;
    }
    return *kernels_.cached_attention_f32;
  }

  // A row or two of keys is written before another thread has noticed the work.
  template <typename Task>
  void for_heads(const CpuKvCache& cache, std::size_t rows, const Task& task) {
    constexpr std::size_t kRowsWorthSharing = 16;
    if (rows >= kRowsWorthSharing) {
      pool_.parallel_for(cache.heads(), task);
    } else {
      for (std::size_t head = 0; head < cache.heads(); ++head) task(head, 0);
    }
  }

  ThreadPool& pool_;
  kernels::KernelTable kernels_;
  ComputeType compute_type_;
  Workspace workspace_;
};

}  // namespace

std::unique_ptr<Backend> make_cpu_backend(const CpuBackendOptions& options) {
  return std::make_unique<CpuBackend>(options);
}

}  // namespace amanuensis::device
