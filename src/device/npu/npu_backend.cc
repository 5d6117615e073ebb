#include "device/npu/npu_backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/aligned_buffer.h"

namespace amanuensis::device::npu {
namespace {

// A layer of the encoder in both forms.
class EncoderLinear final : public LinearWeights {
 public:
  EncoderLinear(std::unique_ptr<LinearWeights> on_cpu, ByteWeights on_npu)
      : cpu(std::move(on_cpu)), npu(std::move(on_npu)) {}
  std::size_t in_features() const override { return cpu->in_features(); }
  std::size_t out_features() const override { return cpu->out_features(); }

  const std::unique_ptr<LinearWeights> cpu;
  const ByteWeights npu;
};

class EncoderConv final : public ConvWeights {
 public:
  EncoderConv(std::unique_ptr<ConvWeights> on_cpu, ByteWeights on_npu, const ConvShape& conv_shape)
      : cpu(std::move(on_cpu)), npu(std::move(on_npu)), shape(conv_shape) {}
  std::size_t in_channels() const override { return cpu->in_channels(); }
  std::size_t out_channels() const override { return cpu->out_channels(); }

  const std::unique_ptr<ConvWeights> cpu;
  const ByteWeights npu;  // [out, kernel * in]: time-major, as the frames lie in memory
  const ConvShape shape;
};

// Memory that grows to the largest call.
class Room {
 public:
  TensorView<float> matrix(std::size_t rows, std::size_t cols) {
    if (buffer_.size() < rows * cols) buffer_ = AlignedBuffer<float>(rows * cols);
    return buffer_.matrix(rows, cols);
  }

 private:
  AlignedBuffer<float> buffer_;
};

class NpuBackend final : public EncoderBackend {
 public:
  explicit NpuBackend(NpuBackendOptions options) : cpu_(std::move(options.cpu)), npu_(options.operations) {}

  std::string description() const override {
    const ExecutorStatus status = npu_.executor().status();
    if (!status.device) return fmt::format("{}; no NPU: {}", cpu_->description(), status.reason);
    return fmt::format("{} for the encoder, {} for the decoder", status.device->name, cpu_->description());
  }
  ComputeType compute_type() const override { return cpu_->compute_type(); }

  std::unique_ptr<LinearWeights> prepare_linear(const MatrixSource& weight, std::span<const float> bias) override {
    return cpu_->prepare_linear(weight, bias);
  }

  std::unique_ptr<LinearWeights> prepare_encoder_linear(const MatrixSource& weight,
                                                        std::span<const float> bias) override {
    ByteWeights bytes = npu_.make_weights(
        weight.rows(), weight.cols(), [&](std::size_t row, std::span<float> values) { weight.read_row(row, values); },
        bias);
    return std::make_unique<EncoderLinear>(cpu_->prepare_linear(weight, bias), std::move(bytes));
  }

  std::unique_ptr<ConvWeights> prepare_conv1d(const MatrixSource& weight, std::span<const float> bias,
                                              const ConvShape& shape) override {
    std::vector<float> published(weight.cols());
    ByteWeights bytes = npu_.make_weights(
        weight.rows(), weight.cols(),
        [&](std::size_t row, std::span<float> values) {
          weight.read_row(row, published);
          for (std::size_t c = 0; c < shape.in_channels; ++c) {
            for (std::size_t k = 0; k < shape.kernel; ++k) {
              values[k * shape.in_channels + c] = published[c * shape.kernel + k];
            }
          }
        },
        bias);
    return std::make_unique<EncoderConv>(cpu_->prepare_conv1d(weight, bias, shape), std::move(bytes), shape);
  }

  void encoder_block(const EncoderBlock& block, TensorView<float> x) override {
    const BlockOperands operands = {.attention_gamma = block.attention_norm.gamma,
                                    .attention_beta = block.attention_norm.beta,
                                    .query_key_value = encoder(block.query_key_value).npu,
                                    .attention_out = encoder(block.attention_out).npu,
                                    .heads = block.heads,
                                    .mlp_gamma = block.mlp_norm.gamma,
                                    .mlp_beta = block.mlp_norm.beta,
                                    .up = encoder(block.mlp_up).npu,
                                    .down = encoder(block.mlp_down).npu};
    if (npu_.encoder_block(operands, x)) return;
    attend(block, x);
    feed_forward(block, x);
  }

  void conv1d_gelu(const ConvWeights& weights, TensorView<const float> x, TensorView<float> y) override {
    const auto& conv = static_cast<const EncoderConv&>(weights);
    // The first convolution sees each frame of 10 ms once.
    if (conv.shape.stride == 1) npu_.add_audio({.encoder_s = static_cast<double>(x.rows()) / 100});
    gather_windows(conv.shape, x, y.rows());
    if (npu_.matmul(rows_, conv.npu, y, {.gelu = true})) return;
    cpu_->conv1d_gelu(*conv.cpu, x, y);
  }

  // What the decoder uses, and smaller operations on the encoder's layers, are the CPU's.
  void linear(const LinearWeights& weights, TensorView<const float> x, TensorView<float> y,
              const Epilogue& epilogue) override {
    cpu_->linear(on_cpu(weights), x, y, epilogue);
  }
  void norm_linear(const LinearWeights& weights, const LayerNorm& norm, TensorView<const float> x, TensorView<float> y,
                   const Epilogue& epilogue) override {
    cpu_->norm_linear(on_cpu(weights), norm, x, y, epilogue);
  }
  void layer_norm(TensorView<const float> x, std::span<const float> gamma, std::span<const float> beta,
                  TensorView<float> y) override {
    cpu_->layer_norm(x, gamma, beta, y);
  }
  void self_attention(TensorView<const float> q, TensorView<const float> k, TensorView<const float> v,
                      std::size_t heads, TensorView<float> out) override {
    cpu_->self_attention(q, k, v, heads, out);
  }
  std::unique_ptr<KvCache> make_kv_cache(std::size_t capacity, std::size_t heads, std::size_t head_dim) override {
    return cpu_->make_kv_cache(capacity, heads, head_dim);
  }
  std::vector<std::unique_ptr<KvCache>> make_kv_caches(std::size_t count, std::size_t capacity, std::size_t heads,
                                                       std::size_t head_dim) override {
    return cpu_->make_kv_caches(count, capacity, heads, head_dim);
  }
  void write_kv(KvCache& cache, std::size_t first, TensorView<const float> k, TensorView<const float> v) override {
    cpu_->write_kv(cache, first, k, v);
  }
  void copy_kv(KvCache& to, const KvCache& from, std::size_t rows) override { cpu_->copy_kv(to, from, rows); }
  void cached_attention(std::span<const CachedAttention> items, std::size_t heads) override {
    cpu_->cached_attention(items, heads);
  }
  void attention_map(std::span<const AttentionMap> items) override { cpu_->attention_map(items); }
  void log_sum_exp(TensorView<const float> x, std::span<float> out) override { cpu_->log_sum_exp(x, out); }
  RowSummary summarise(std::span<const float> row) const override { return cpu_->summarise(row); }

 private:
  static const LinearWeights& on_cpu(const LinearWeights& weights) {
    const auto* encoder = dynamic_cast<const EncoderLinear*>(&weights);
    return encoder != nullptr ? *encoder->cpu : weights;
  }
  static const EncoderLinear& encoder(const LinearWeights* weights) {
    return static_cast<const EncoderLinear&>(*weights);
  }

  // y = epilogue(norm(x) w^T + bias): each of the two steps on the NPU, or both on the CPU.
  void normed_product(const EncoderLinear& weights, const LayerNorm& norm, TensorView<const float> x,
                      TensorView<float> y, bool gelu) {
    if (npu_.layer_norm(x, norm.gamma, norm.beta, rows_)) {
      if (npu_.matmul(rows_, weights.npu, y, {.gelu = gelu})) return;
    } else {
      const TensorView<float> normed = normed_.matrix(x.rows(), x.cols());
      cpu_->layer_norm(x, norm.gamma, norm.beta, normed);
      quantize_rows(normed, rows_);
      if (npu_.matmul(rows_, weights.npu, y, {.gelu = gelu})) return;
    }
    cpu_->norm_linear(*weights.cpu, norm, x, y, {.gelu = gelu});
  }

  // x += from w^T + bias.
  void added_product(const EncoderLinear& weights, TensorView<const float> from, TensorView<float> x) {
    quantize_rows(from, rows_);
    if (npu_.matmul(rows_, weights.npu, x, {.residual = x})) return;
    cpu_->linear(*weights.cpu, from, x, {.residual = x.data(), .residual_stride = x.stride()});
  }

  void attend(const EncoderBlock& block, TensorView<float> x) {
    const std::size_t width = x.cols();
    const TensorView<float> qkv = wide_.matrix(x.rows(), 3 * width);
    normed_product(encoder(block.query_key_value), block.attention_norm, x, qkv, /*gelu=*/false);
    const TensorView<float> attended = attended_.matrix(x.rows(), width);
    const auto q = qkv.cols_at(0, width);
    const auto k = qkv.cols_at(width, width);
    const auto v = qkv.cols_at(2 * width, width);
    if (!npu_.attention(q, k, v, block.heads, attended)) cpu_->self_attention(q, k, v, block.heads, attended);
    added_product(encoder(block.attention_out), attended, x);
  }

  void feed_forward(const EncoderBlock& block, TensorView<float> x) {
    const EncoderLinear& up = encoder(block.mlp_up);
    const TensorView<float> hidden = wide_.matrix(x.rows(), up.out_features());
    normed_product(up, block.mlp_norm, x, hidden, /*gelu=*/true);
    added_product(encoder(block.mlp_down), hidden, x);
  }

  // Row t: the frames that output t looks at, side by side, in bytes; beyond the ends they are zero.
  void gather_windows(const ConvShape& shape, TensorView<const float> x, std::size_t outputs) {
    const std::size_t channels = shape.in_channels;
    const TensorView<float> windows = wide_.matrix(outputs, shape.kernel * channels);
    for (std::size_t t = 0; t < outputs; ++t) {
      const std::span<float> row = windows.row(t);
      for (std::size_t k = 0; k < shape.kernel; ++k) {
        const std::size_t at = t * shape.stride + k;
        const auto to = row.subspan(k * channels, channels);
        if (at < shape.padding || at - shape.padding >= x.rows()) {
          std::fill(to.begin(), to.end(), 0.0F);
        } else {
          const auto from = x.row(at - shape.padding);
          std::copy(from.begin(), from.end(), to.begin());
        }
      }
    }
    quantize_rows(windows, rows_);
  }

  std::unique_ptr<Backend> cpu_;
  Operations& npu_;
  ByteRows rows_;
  Room normed_;
  Room wide_;
  Room attended_;
};

}  // namespace

std::unique_ptr<EncoderBackend> make_npu_backend(NpuBackendOptions options) {
  return std::make_unique<NpuBackend>(std::move(options));
}

}  // namespace amanuensis::device::npu
