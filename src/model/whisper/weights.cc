#include "model/whisper/weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "device/encoder_backend.h"
#include "model/whisper/constants.h"

namespace amanuensis::model {
namespace {

std::unique_ptr<device::LinearWeights> prepare(device::Backend& backend, const std::string& prefix,
                                               const device::MatrixSource& weight, std::span<const float> bias) {
  auto* encoder = prefix.starts_with("encoder.") ? dynamic_cast<device::EncoderBackend*>(&backend) : nullptr;
  return encoder != nullptr ? encoder->prepare_encoder_linear(weight, bias) : backend.prepare_linear(weight, bias);
}

// Several matrices of the same width, one below the other.
class StackedRows final : public device::MatrixSource {
 public:
  explicit StackedRows(std::vector<std::unique_ptr<device::MatrixSource>> parts) : parts_(std::move(parts)) {}

  std::size_t rows() const override {
    std::size_t rows = 0;
    for (const auto& part : parts_) rows += part->rows();
    return rows;
  }
  std::size_t cols() const override { return parts_.front()->cols(); }
  void read_row(std::size_t row, std::span<float> out) const override {
    for (const auto& part : parts_) {
      if (row < part->rows()) {
        part->read_row(row, out);
        return;
      }
      row -= part->rows();
    }
    throw Error(ErrorCode::kInternal, fmt::format("row {} is past the end of a matrix of {} rows", row, rows()));
  }

 private:
  std::vector<std::unique_ptr<device::MatrixSource>> parts_;
};

}  // namespace

LayerNormWeights WeightLoader::layer_norm(const std::string& prefix, std::size_t width) const {
  return {checkpoint_.vector(prefix + ".weight", width), checkpoint_.vector(prefix + ".bias", width)};
}

std::unique_ptr<device::LinearWeights> WeightLoader::projection(const std::string& tensor, std::size_t out,
                                                                std::size_t in) const {
  return backend_.prepare_linear(*checkpoint_.matrix(tensor, std::array{out, in}), {});
}

std::unique_ptr<device::LinearWeights> WeightLoader::linear(const std::string& prefix, std::size_t out,
                                                            std::size_t in) const {
  const std::vector<float> bias = checkpoint_.vector(prefix + ".bias", out);
  return prepare(backend_, prefix, *checkpoint_.matrix(prefix + ".weight", std::array{out, in}), bias);
}

std::unique_ptr<device::LinearWeights> WeightLoader::fused(const std::string& prefix,
                                                           std::span<const std::string_view> parts,
                                                           std::size_t width) const {
  std::vector<std::unique_ptr<device::MatrixSource>> matrices;
  std::vector<float> bias(parts.size() * width, 0.0F);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string module = fmt::format("{}.{}", prefix, parts[i]);
    matrices.push_back(checkpoint_.matrix(module + ".weight", std::array{width, width}));
    if (parts[i] == "key") continue;
    std::ranges::copy(checkpoint_.vector(module + ".bias", width),
                      bias.begin() + static_cast<std::ptrdiff_t>(i * width));
  }
  return prepare(backend_, prefix, StackedRows(std::move(matrices)), bias);
}

SelfAttentionWeights WeightLoader::self_attention(const std::string& block, std::size_t width) const {
  static constexpr std::array<std::string_view, 3> kParts = {"query", "key", "value"};
  const std::string prefix = block + ".attn";
  return {layer_norm(block + ".attn_ln", width), fused(prefix, kParts, width), linear(prefix + ".out", width, width)};
}

CrossAttentionWeights WeightLoader::cross_attention(const std::string& block, std::size_t width) const {
  static constexpr std::array<std::string_view, 2> kParts = {"key", "value"};
  const std::string prefix = block + ".cross_attn";
  return {layer_norm(block + ".cross_attn_ln", width), linear(prefix + ".query", width, width),
          fused(prefix, kParts, width), linear(prefix + ".out", width, width)};
}

MlpWeights WeightLoader::mlp(const std::string& block, std::size_t width, std::size_t ffn) const {
  // openai/whisper names the layers by their place in a Sequential: 0 is the first, 1 the GELU, 2 the second.
  return {layer_norm(block + ".mlp_ln", width), linear(block + ".mlp.0", ffn, width),
          linear(block + ".mlp.2", width, ffn)};
}

std::unique_ptr<device::ConvWeights> WeightLoader::conv1d(const std::string& prefix, std::size_t out_channels,
                                                          const device::ConvShape& shape) const {
  const std::array dims{out_channels, shape.in_channels, shape.kernel};
  const std::vector<float> bias = checkpoint_.vector(prefix + ".bias", out_channels);
  return backend_.prepare_conv1d(*checkpoint_.matrix(prefix + ".weight", dims), bias, shape);
}

EmbeddingTable::EmbeddingTable(const Checkpoint& checkpoint, std::string_view name, std::size_t rows, std::size_t width)
    : tensor_(checkpoint.tensor(name, std::array{rows, width})), width_(width) {
  if (width % block_values(tensor_.type) != 0) {
    throw Error(
        ErrorCode::kBadData,
        fmt::format("{}: tensor '{}' is stored as {} in blocks of {} values, which do not divide its rows of {}",
                    tensor_.file, tensor_.source_name, to_string(tensor_.type), block_values(tensor_.type), width));
  }
  // Not in huge pages, which are dear to make and of no use to rows that are read here and there.
  bytes_.assign(tensor_.bytes.begin(), tensor_.bytes.end());
  tensor_.bytes = bytes_;
}

void EmbeddingTable::read_row(std::size_t row, std::span<float> out) const {
  read_values(tensor_, row * width_, out.first(width_));
}

std::vector<float> read_table(const Checkpoint& checkpoint, std::string_view name, std::size_t rows,
                              std::size_t width) {
  const auto source = checkpoint.matrix(name, std::array{rows, width});
  std::vector<float> table(rows * width);
  for (std::size_t r = 0; r < rows; ++r) source->read_row(r, std::span(table).subspan(r * width, width));
  return table;
}

std::vector<float> sinusoid_positions(std::size_t positions, std::size_t width) {
  const std::size_t half = width / 2;
  const double step = std::log(kMaxTimescale) / static_cast<double>(std::max<std::size_t>(half, 2) - 1);
  std::vector<float> table(positions * width);
  for (std::size_t p = 0; p < positions; ++p) {
    for (std::size_t i = 0; i < half; ++i) {
      const double angle = static_cast<double>(p) * std::exp(-step * static_cast<double>(i));
      table[p * width + i] = static_cast<float>(std::sin(angle));
      table[p * width + half + i] = static_cast<float>(std::cos(angle));
    }
  }
  return table;
}

}  // namespace amanuensis::model
