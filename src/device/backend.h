// The port between models and the hardware that runs them. A model is written once against this class; device/cpu is
// the first implementation. Activations are float32 matrices in memory the host can address; weights and key/value
// caches are opaque, so that each backend stores them in its own type and layout. What is prepared by one backend is
// used with that backend alone, and must not outlive it.
//
// Prepared weights are immutable and may be shared. The compute calls of one backend are made by one thread at a time
// (the backend spreads the work over its own threads).
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/tensor_view.h"

namespace amanuensis::device {

// The type in which weights are kept and multiplied. Activations between operations are float32 in all of them.
enum class ComputeType { kFloat32, kBFloat16, kInt8 };

// "float32", "bfloat16", "int8".
constexpr std::string_view to_string(ComputeType type) {
  switch (type) {
    case ComputeType::kFloat32:
      return "float32";
    case ComputeType::kBFloat16:
      return "bfloat16";
    case ComputeType::kInt8:
      return "int8";
  }
  return "unknown";
}

// A weight matrix [rows, cols] that can be read row by row as float32, whatever type it is stored in. Reading is
// thread-safe.
class MatrixSource {
 public:
  virtual ~MatrixSource() = default;
  virtual std::size_t rows() const = 0;
  virtual std::size_t cols() const = 0;
  // Writes row `row` into out[0, cols()).
  virtual void read_row(std::size_t row, std::span<float> out) const = 0;
};

// Weights [out_features, in_features] and an optional bias, packed for this backend.
class LinearWeights {
 public:
  virtual ~LinearWeights() = default;
  virtual std::size_t in_features() const = 0;
  virtual std::size_t out_features() const = 0;
};

// A one-dimensional convolution's weights, packed for this backend.
class ConvWeights {
 public:
  virtual ~ConvWeights() = default;
  virtual std::size_t in_channels() const = 0;
  virtual std::size_t out_channels() const = 0;
};

struct ConvShape {
  std::size_t in_channels = 0;
  std::size_t kernel = 0;
  std::size_t stride = 1;
  std::size_t padding = 0;  // zero frames on both sides
};

// What happens to a linear layer's result before it is stored.
struct Epilogue {
  bool gelu = false;  // exact (erf) GELU, after the bias
  const float* residual =
      nullptr;  // when set, [x.rows, out_features] with residual_stride, added last; may be y itself
  std::size_t residual_stride = 0;
};

// A layer norm's parameters, [features] each.
struct LayerNorm {
  std::span<const float> gamma;
  std::span<const float> beta;
};

// Keys and values of one attention layer, for one sequence or one encoded window: `capacity` rows of
// heads * head_dim each.
class KvCache {
 public:
  virtual ~KvCache() = default;
  virtual std::size_t capacity() const = 0;
};

// One sequence's part in a batched attention over cached keys and values.
struct CachedAttention {
  const KvCache* cache = nullptr;
  // When set, the same cache, in which these keys and values [n, heads * head_dim], one for each query, are first
  // stored as the rows from visible - 1 on.
  KvCache* append_to = nullptr;
  TensorView<const float> k = {};
  TensorView<const float> v = {};
  TensorView<const float> q;  // [n, heads * head_dim], not yet scaled
  TensorView<float> out;      // [n, heads * head_dim]
  // Row i of q sees the first `visible + (causal ? i : 0)` rows of the cache.
  std::size_t visible = 0;
  bool causal = false;
};

// Which weights some heads give to a window's cached keys (word times are read from them).
struct AttentionMap {
  const KvCache* cache = nullptr;
  TensorView<const float> q;  // [n, heads * head_dim], not yet scaled
  std::size_t visible = 0;    // the first rows of the cache, which alone are looked at
  std::span<const std::size_t> chosen;
  TensorView<float> weights;  // [chosen.size() * n, visible]: of head chosen[i] from row i * n on
};

// A row of logits: its largest value, where that first is, and the sum of exp(x - largest).
struct RowSummary {
  std::size_t index = 0;
  float largest = 0;
  float sum = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;

  // A short name for people, e.g. "cpu (avx512, 2 threads)".
  virtual std::string description() const = 0;
  virtual ComputeType compute_type() const = 0;

  // Packs weight [out, in] and bias (empty, or [out]). Throws std::bad_alloc.
  virtual std::unique_ptr<LinearWeights> prepare_linear(const MatrixSource& weight, std::span<const float> bias) = 0;
  // y = epilogue(x * weight^T + bias). x [n, in], y [n, out]; y must not overlap x.
  virtual void linear(const LinearWeights& weights, TensorView<const float> x, TensorView<float> y,
                      const Epilogue& epilogue) = 0;

  // As layer_norm(x, norm) followed by linear(), with the same bits; what lies between need not be stored.
  virtual void norm_linear(const LinearWeights& weights, const LayerNorm& norm, TensorView<const float> x,
                           TensorView<float> y, const Epilogue& epilogue) = 0;

  // weight [out, in * kernel], as published: weight[o][c * kernel + k]. bias [out].
  virtual std::unique_ptr<ConvWeights> prepare_conv1d(const MatrixSource& weight, std::span<const float> bias,
                                                      const ConvShape& shape) = 0;
  // y = gelu(conv(x) + bias). x [frames, in], time-major; y [(frames + 2 * padding - kernel) / stride + 1, out].
  virtual void conv1d_gelu(const ConvWeights& weights, TensorView<const float> x, TensorView<float> y) = 0;

  // Per row: (x - mean) / sqrt(variance + 1e-5) * gamma + beta. y may be x.
  virtual void layer_norm(TensorView<const float> x, std::span<const float> gamma, std::span<const float> beta,
                          TensorView<float> y) = 0;

  // Bidirectional attention over one window, softmax(q k^T / sqrt(head_dim)) v for each head.
  // q, k, v, out: [frames, heads * head_dim], rows may be strided (a fused projection's columns).
  virtual void self_attention(TensorView<const float> q, TensorView<const float> k, TensorView<const float> v,
                              std::size_t heads, TensorView<float> out) = 0;

  virtual std::unique_ptr<KvCache> make_kv_cache(std::size_t capacity, std::size_t heads, std::size_t head_dim) = 0;
  // `count` of them, of all of a model's layers, which a backend may lay side by side.
  virtual std::vector<std::unique_ptr<KvCache>> make_kv_caches(std::size_t count, std::size_t capacity,
                                                               std::size_t heads, std::size_t head_dim) {
    std::vector<std::unique_ptr<KvCache>> caches;
    caches.reserve(count);
    for (std::size_t i = 0; i < count; ++i) caches.push_back(make_kv_cache(capacity, heads, head_dim));
    return caches;
  }
  // Stores k, v [n, heads * head_dim] as rows [first, first + n) of the cache.
  virtual void write_kv(KvCache& cache, std::size_t first, TensorView<const float> k, TensorView<const float> v) = 0;
  // Copies the first `rows` rows from one cache to another of the same shape (beam search reorders sequences).
  virtual void copy_kv(KvCache& to, const KvCache& from, std::size_t rows) = 0;
  // Attention of several sequences over their own caches at once.
  virtual void cached_attention(std::span<const CachedAttention> items, std::size_t heads) = 0;
  // softmax(q k^T / sqrt(head_dim)) of the chosen heads of several sequences, written out.
  virtual void attention_map(std::span<const AttentionMap> items) = 0;

  // out[r] = log(sum(exp(x[r]))) for each row of x [n, cols]; out [n].
  virtual void log_sum_exp(TensorView<const float> x, std::span<float> out) = 0;
  // Of one row, which must not be empty; {0, -infinity, 0} when all of it is -infinity. Unlike the other calls it does
  // its work on the calling thread, and several threads may be in it at once.
  virtual RowSummary summarise(std::span<const float> row) const = 0;
};

}  // namespace amanuensis::device
