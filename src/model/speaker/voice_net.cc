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

// Two networks side by side, trained apart: what one of them mistakes the other mostly does not.
constexpr std::size_t kNets = 2;
constexpr std::size_t kNetWidth = kVoiceNetWidth / kNets;
// A region's outputs keep this far inside it, so that they see little of what is beside it.
constexpr std::size_t kMarginOutputs = 3;
constexpr float kLeastVariance = 1e-5F;
// Directions in which voices are compared.
constexpr std::size_t kSpace = 64;
constexpr std::array<std::size_t, 1> kMeanShape{kVoiceNetWidth};
constexpr std::array<std::size_t, 2> kTransformShape{kSpace, kVoiceNetWidth};
constexpr std::array<std::size_t, 1> kBetweenShape{kSpace};

std::vector<StackLayer> narrow_layers() {
  return {{.inputs = kVoiceNetBands, .outputs = 96, .kernel = 5},
          {.inputs = 96, .outputs = 128, .kernel = 3, .stride = 2},
          {.inputs = 128, .outputs = 128, .kernel = 3, .residual = true},
          {.inputs = 128, .outputs = 128, .kernel = 5, .residual = true},
          {.inputs = 128, .outputs = 128, .kernel = 5, .residual = true},
          {.inputs = 128, .outputs = 256, .kernel = 1}};
}

std::vector<StackLayer> wide_layers() {
  return {{.inputs = kVoiceNetBands, .outputs = 128, .kernel = 5},
          {.inputs = 128, .outputs = 192, .kernel = 3, .stride = 2},
          {.inputs = 192, .outputs = 192, .kernel = 3, .residual = true},
          {.inputs = 192, .outputs = 192, .kernel = 3, .dilation = 2, .residual = true},
          {.inputs = 192, .outputs = 192, .kernel = 3, .dilation = 3, .residual = true},
          {.inputs = 192, .outputs = 384, .kernel = 1}};
}

// Gives a vector this length; one without a direction becomes zero.
void set_length(std::span<float> vector, float length) {
  float norm = 0;
  for (const float v : vector) norm += v * v;
  norm = std::sqrt(norm);
  const float factor = norm < 1e-12F ? 0.0F : length / norm;
  for (float& v : vector) v *= factor;
}

// Mean and standard deviation over time, one behind the other.
void pool(TensorView<const float> frames, float* out) {
  const std::size_t width = frames.cols();
  float* mean = out;
  float* deviation = out + width;
  std::fill_n(out, 2 * width, 0.0F);
  if (frames.rows() == 0) return;
  const float share = 1.0F / static_cast<float>(frames.rows());
  for (std::size_t row = 0; row < frames.rows(); ++row) {
    const float* x = frames.data() + row * width;
    for (std::size_t c = 0; c < width; ++c) mean[c] += share * x[c];
  }
  for (std::size_t row = 0; row < frames.rows(); ++row) {
    const float* x = frames.data() + row * width;
    for (std::size_t c = 0; c < width; ++c) deviation[c] += share * (x[c] - mean[c]) * (x[c] - mean[c]);
  }
  for (std::size_t c = 0; c < width; ++c) deviation[c] = std::sqrt(deviation[c] + kLeastVariance);
}

}  // namespace

struct VoiceNet::Net {
  Net(std::vector<StackLayer> layers, std::span<const Tensor> tensors, std::string_view file, const std::string& prefix,
      device::Backend& backend)
      : stack(std::move(layers), tensors, file, prefix, backend),
        out(read_stack_linear(tensors, file, prefix + "out", kNetWidth, 2 * stack.outputs(), backend)) {}

  ConvStack stack;
  std::unique_ptr<device::LinearWeights> out;
};

VoiceNet::VoiceNet(device::Backend& backend) : VoiceNet(builtin_voice_weights(), "built-in voice network", backend) {}

VoiceNet::VoiceNet(std::span<const std::byte> safetensors, std::string_view name, device::Backend& backend)
    : backend_(backend) {
  const std::vector<Tensor> tensors = parse_safetensors(safetensors, name);
  space_.mean = read_stack_tensor(tensors, name, "voice.space.mean", kMeanShape);
  space_.transform = read_stack_tensor(tensors, name, "voice.space.transform", kTransformShape);
  space_.between = read_stack_tensor(tensors, name, "voice.space.between", kBetweenShape);
  nets_.reserve(kNets);
  nets_.emplace_back(narrow_layers(), tensors, name, "voice.narrow.", backend);
  nets_.emplace_back(wide_layers(), tensors, name, "voice.wide.", backend);
}

VoiceNet::~VoiceNet() = default;

void VoiceNet::run(TensorView<const float> mel, std::span<const FrameRange> regions, std::span<float> out) const {
  if (mel.cols() != kVoiceNetBands || out.size() != regions.size() * kVoiceNetWidth) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("speaker network: {} bands and room for {} values, expected {} "
                            "bands and {} values for each of {} regions",
                            mel.cols(), out.size(), kVoiceNetBands, kVoiceNetWidth, regions.size()));
  }
  for (const FrameRange& region : regions) {
    if (region.start > region.end || region.end > mel.rows()) {
      throw Error(ErrorCode::kInvalidArgument, fmt::format("speaker network: region [{}, {}) is outside the {} frames",
                                                           region.start, region.end, mel.rows()));
    }
  }
  std::vector<float> vectors(regions.size() * kNetWidth);
  for (std::size_t n = 0; n < kNets; ++n) {
    run_net(nets_[n], mel, regions, vectors);
    for (std::size_t i = 0; i < regions.size(); ++i) {
      const std::span<float> vector = std::span(vectors).subspan(i * kNetWidth, kNetWidth);
      set_length(vector, regions[i].start < regions[i].end ? std::sqrt(1.0F / kNets) : 0.0F);
      std::copy(vector.begin(), vector.end(),
                out.begin() + static_cast<std::ptrdiff_t>(i * kVoiceNetWidth + n * kNetWidth));
    }
  }
}

void VoiceNet::run_net(const Net& net, TensorView<const float> mel, std::span<const FrameRange> regions,
                       std::span<float> vectors) const {
  const std::vector<float> frames = net.stack.run(mel);
  const std::size_t width = net.stack.outputs();
  const std::size_t stride = net.stack.stride();
  std::vector<float> pooled(regions.size() * 2 * width);
  for (std::size_t i = 0; i < regions.size(); ++i) {
    std::size_t first = (regions[i].start + stride - 1) / stride;
    std::size_t last = (regions[i].end + stride - 1) / stride;
    if (last - first > 4 * kMarginOutputs) {
      first += kMarginOutputs;
      last -= kMarginOutputs;
    }
    pool({frames.data() + first * width, last - first, width}, pooled.data() + i * 2 * width);
  }
  backend_.linear(*net.out, {pooled.data(), regions.size(), 2 * width}, {vectors.data(), regions.size(), kNetWidth},
                  {});
}

}  // namespace amanuensis::model
