#include "model/speaker/voice_net.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "model/checkpoint/safetensors.h"
#include "model/speaker/conv_stack.h"
#include "model/speaker/voice_weights.h"

namespace amanuensis::model {
namespace {

constexpr std::size_t kPooled = 256;
// A region's outputs keep this far inside it, so that they see little of what is beside it.
constexpr std::size_t kMarginOutputs = 3;
constexpr float kLeastVariance = 1e-5F;
// Directions in which voices are compared.
constexpr std::size_t kSpace = 64;
constexpr std::array<std::size_t, 1> kMeanShape{kVoiceNetWidth};
constexpr std::array<std::size_t, 2> kTransformShape{kSpace, kVoiceNetWidth};
constexpr std::array<std::size_t, 1> kBetweenShape{kSpace};

std::vector<StackLayer> stack_layers() {
  return {{.inputs = kVoiceNetBands, .outputs = 96, .kernel = 5},
          {.inputs = 96, .outputs = 128, .kernel = 3, .stride = 2},
          {.inputs = 128, .outputs = 128, .kernel = 3, .residual = true},
          {.inputs = 128, .outputs = 128, .kernel = 5, .residual = true},
          {.inputs = 128, .outputs = 128, .kernel = 5, .residual = true},
          {.inputs = 128, .outputs = kPooled, .kernel = 1}};
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
  ConvStack stack;
  std::unique_ptr<device::LinearWeights> out;
  VoiceSpace space;
};

VoiceNet::VoiceNet(device::Backend& backend) : VoiceNet(builtin_voice_weights(), "built-in voice network", backend) {}

VoiceNet::VoiceNet(std::span<const std::byte> safetensors, std::string_view name, device::Backend& backend)
    : backend_(backend) {
  const std::vector<Tensor> tensors = parse_safetensors(safetensors, name);
  VoiceSpace space;
  space.mean = read_stack_tensor(tensors, name, "voice.space.mean", kMeanShape);
  space.transform = read_stack_tensor(tensors, name, "voice.space.transform", kTransformShape);
  space.between = read_stack_tensor(tensors, name, "voice.space.between", kBetweenShape);
  layers_ = std::make_unique<Layers>(
      Layers{ConvStack(stack_layers(), tensors, name, "voice.", backend),
             read_stack_linear(tensors, name, "voice.out", kVoiceNetWidth, 2 * kPooled, backend), std::move(space)});
}

VoiceNet::~VoiceNet() = default;

const VoiceSpace& VoiceNet::space() const { return layers_->space; }

void VoiceNet::run(TensorView<const float> mel, std::span<const FrameRange> regions, std::span<float> out) const {
  if (mel.cols() != kVoiceNetBands || out.size() != regions.size() * kVoiceNetWidth) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("speaker network: {} bands and room for {} values, expected {} "
                            "bands and {} values for each of {} regions",
                            mel.cols(), out.size(), kVoiceNetBands, kVoiceNetWidth, regions.size()));
  }
  const std::vector<float> frames = layers_->stack.run(mel);
  const std::size_t stride = layers_->stack.stride();
  std::vector<float> pooled(regions.size() * 2 * kPooled);
  for (std::size_t i = 0; i < regions.size(); ++i) {
    const FrameRange& region = regions[i];
    if (region.start > region.end || region.end > mel.rows()) {
      throw Error(ErrorCode::kInvalidArgument, fmt::format("speaker network: region [{}, {}) is outside the {} frames",
                                                           region.start, region.end, mel.rows()));
    }
    std::size_t first = (region.start + stride - 1) / stride;
    std::size_t last = (region.end + stride - 1) / stride;
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
