#include "model/speaker/voice_net.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "model/checkpoint/safetensors.h"
#include "model/speaker/voice_weights.h"

namespace amanuensis::model {
namespace {

struct LayerShape {
  std::size_t inputs;
  std::size_t outputs;
  std::size_t kernel;
  std::size_t stride;
  bool residual;
};

constexpr std::array<LayerShape, 6> kLayers{{{kVoiceNetBands, 96, 5, 1, false},
                                             {96, 128, 3, 2, false},
                                             {128, 128, 3, 1, true},
                                             {128, 128, 5, 1, true},
                                             {128, 128, 5, 1, true},
                                             {128, 256, 1, 1, false}}};
constexpr std::size_t kPooled = 256;
// Frames of 10 ms that an output sees on each side of its own.
constexpr std::size_t kReach = 13;
constexpr std::size_t kStride = 2;
// A region's outputs keep this far inside it, so that they see little of what is beside it.
constexpr std::size_t kMarginOutputs = 3;
// Output frames computed at a time: bounds the memory.
constexpr std::size_t kPieceOutputs = 512;
constexpr float kLeastVariance = 1e-5F;

class Rows final : public device::MatrixSource {
 public:
  Rows(std::vector<float> values, std::size_t rows) : values_(std::move(values)), rows_(rows) {}
  std::size_t rows() const override { return rows_; }
  std::size_t cols() const override { return values_.size() / rows_; }
  void read_row(std::size_t row, std::span<float> out) const override {
    std::copy_n(values_.data() + row * cols(), cols(), out.data());
  }

 private:
  std::vector<float> values_;
  std::size_t rows_;
};

std::vector<float> read_tensor(std::span<const Tensor> tensors, std::string_view file, const std::string& name,
                               std::span<const std::size_t> shape) {
  for (const Tensor& tensor : tensors) {
    if (tensor.source_name != name) continue;
    if (!std::equal(tensor.shape.begin(), tensor.shape.end(), shape.begin(), shape.end())) break;
    std::vector<float> values(tensor.element_count());
    read_values(tensor, 0, values);
    if (std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); })) return values;
    throw Error(ErrorCode::kBadData, fmt::format("{}: tensor '{}' holds a value that is not finite", file, name));
  }
  throw Error(ErrorCode::kBadData,
              fmt::format("{}: tensor '{}' is missing or has another shape than the speaker network's", file, name));
}

void normalise(std::span<float> vector) {
  float norm = 0;
  for (const float v : vector) norm += v * v;
  norm = std::sqrt(norm);
  if (norm < 1e-12F) {
    std::fill(vector.begin(), vector.end(), 0.0F);
    return;
  }
  for (float& v : vector) v /= norm;
}

// Mean and standard deviation over time, one behind the other.
void pool(TensorView<const float> frames, float* out) {
  float* mean = out;
  float* deviation = out + kPooled;
  std::fill_n(out, 2 * kPooled, 0.0F);
  if (frames.rows() == 0) return;
  const float share = 1.0F / static_cast<float>(frames.rows());
  for (std::size_t row = 0; row < frames.rows(); ++row) {
    const float* x = frames.data() + row * kPooled;
    for (std::size_t c = 0; c < kPooled; ++c) mean[c] += share * x[c];
  }
  for (std::size_t row = 0; row < frames.rows(); ++row) {
    const float* x = frames.data() + row * kPooled;
    for (std::size_t c = 0; c < kPooled; ++c) deviation[c] += share * (x[c] - mean[c]) * (x[c] - mean[c]);
  }
  for (std::size_t c = 0; c < kPooled; ++c) deviation[c] = std::sqrt(deviation[c] + kLeastVariance);
}

}  // namespace

struct VoiceNet::Layers {
  std::array<std::unique_ptr<device::LinearWeights>, kLayers.size()> convs;
  std::unique_ptr<device::LinearWeights> out;
};

VoiceNet::VoiceNet(device::Backend& backend) : VoiceNet(builtin_voice_weights(), "built-in voice network", backend) {}

VoiceNet::VoiceNet(std::span<const std::byte> safetensors, std::string_view name, device::Backend& backend)
    : backend_(backend), layers_(std::make_unique<Layers>()) {
  const std::vector<Tensor> tensors = parse_safetensors(safetensors, name);
  const auto linear = [&](const std::string& prefix, std::size_t rows, std::size_t cols) {
    const std::array<std::size_t, 2> shape{rows, cols};
    const std::array<std::size_t, 1> bias_shape{rows};
    const Rows weight(read_tensor(tensors, name, prefix + ".weight", shape), rows);
    return backend.prepare_linear(weight, read_tensor(tensors, name, prefix + ".bias", bias_shape));
  };
  for (std::size_t i = 0; i < kLayers.size(); ++i) {
    layers_->convs[i] = linear(fmt::format("layers.{}", i), kLayers[i].outputs, kLayers[i].kernel * kLayers[i].inputs);
  }
  layers_->out = linear("out", kVoiceNetWidth, 2 * kPooled);
}

VoiceNet::~VoiceNet() = default;

std::vector<float> VoiceNet::frame_outputs(TensorView<const float> mel) const {
  const std::size_t outputs = (mel.rows() + kStride - 1) / kStride;
  std::vector<float> result(outputs * kPooled);
  std::vector<float> x;
  std::vector<float> taps;
  std::vector<float> y;
  for (std::size_t first = 0; first < outputs; first += kPieceOutputs) {
    const std::size_t count = std::min(kPieceOutputs, outputs - first);
    // What the piece's outputs see, with the mean (zero) where the recording has nothing.
    std::size_t rows = kStride * (count - 1) + 1 + 2 * kReach;
    x.assign(rows * kVoiceNetBands, 0.0F);
    for (std::size_t row = 0; row < rows; ++row) {
      const std::size_t frame = kStride * first + row;
      if (frame < kReach || frame - kReach >= mel.rows()) continue;
      const std::span<const float> source = mel.row(frame - kReach);
      std::copy(source.begin(), source.end(), x.begin() + static_cast<std::ptrdiff_t>(row * kVoiceNetBands));
    }
    for (std::size_t i = 0; i < kLayers.size(); ++i) {
      const LayerShape& layer = kLayers[i];
      const std::size_t out_rows = (rows - layer.kernel) / layer.stride + 1;
      const std::size_t width = layer.kernel * layer.inputs;
      // The frames that a kernel covers lie one behind the other: a row of the product is a copy of them.
      taps.resize(out_rows * width);
      for (std::size_t row = 0; row < out_rows; ++row) {
        std::copy_n(x.data() + row * layer.stride * layer.inputs, width, taps.data() + row * width);
      }
      y.resize(out_rows * layer.outputs);
      device::Epilogue epilogue{.gelu = true};
      if (layer.residual) {
        epilogue.residual = x.data() + layer.kernel / 2 * layer.inputs;
        epilogue.residual_stride = layer.inputs;
      }
      backend_.linear(*layers_->convs[i], {taps.data(), out_rows, width}, {y.data(), out_rows, layer.outputs},
                      epilogue);
      rows = out_rows;
      std::swap(x, y);
    }
    std::copy_n(x.data(), count * kPooled, result.data() + first * kPooled);
  }
  return result;
}

void VoiceNet::run(TensorView<const float> mel, std::span<const FrameRange> regions, std::span<float> out) const {
  if (mel.cols() != kVoiceNetBands || out.size() != regions.size() * kVoiceNetWidth) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("speaker network: {} bands and room for {} values, expected {} "
                            "bands and {} values for each of {} regions",
                            mel.cols(), out.size(), kVoiceNetBands, kVoiceNetWidth, regions.size()));
  }
  const std::vector<float> frames = frame_outputs(mel);
  std::vector<float> pooled(regions.size() * 2 * kPooled);
  for (std::size_t i = 0; i < regions.size(); ++i) {
    const FrameRange& region = regions[i];
    if (region.start > region.end || region.end > mel.rows()) {
      throw Error(ErrorCode::kInvalidArgument, fmt::format("speaker network: region [{}, {}) is outside the {} frames",
                                                           region.start, region.end, mel.rows()));
    }
    std::size_t first = (region.start + kStride - 1) / kStride;
    std::size_t last = (region.end + kStride - 1) / kStride;
    if (last - first > 4 * kMarginOutputs) {
      first += kMarginOutputs;
      last -= kMarginOutputs;
    }
    pool({frames.data() + first * kPooled, last - first, kPooled}, pooled.data() + i * 2 * kPooled);
  }
  backend_.linear(*layers_->out, {pooled.data(), regions.size(), 2 * kPooled},
                  {out.data(), regions.size(), kVoiceNetWidth}, {});
  for (std::size_t i = 0; i < regions.size(); ++i) {
    const std::span<float> vector = out.subspan(i * kVoiceNetWidth, kVoiceNetWidth);
    if (regions[i].start == regions[i].end) std::fill(vector.begin(), vector.end(), 0.0F);
    normalise(vector);
  }
}

}  // namespace amanuensis::model
