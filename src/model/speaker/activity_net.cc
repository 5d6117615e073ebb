#include "model/speaker/activity_net.h"

#include <algorithm>
#include <cmath>

#include "model/checkpoint/safetensors.h"
#include "model/speaker/conv_stack.h"
#include "model/speaker/voice_weights.h"

namespace amanuensis::model {
namespace {

constexpr std::size_t kBands = 40;
constexpr std::size_t kWidth = 128;
// Of each place: for its frame and the ones up to the next.
constexpr std::size_t kResults = kActivityPlace / kActivityStride;

std::vector<StackLayer> stack_layers() {
  std::vector<StackLayer> layers{{.inputs = kBands, .outputs = 64, .kernel = 5},
                                 {.inputs = 64, .outputs = kWidth, .kernel = 3, .stride = 2},
                                 {.inputs = kWidth, .outputs = kWidth, .kernel = 3, .stride = kActivityPlace / 2}};
  for (const std::size_t dilation : {1, 2, 4, 8, 16, 32, 4, 1}) {
    layers.push_back({.inputs = kWidth, .outputs = kWidth, .kernel = 3, .dilation = dilation, .residual = true});
  }
  return layers;
}

void softmax(const float* logits, ActivityFrame& out) {
  const float largest = *std::max_element(logits, logits + kActivityClasses);
  float sum = 0;
  for (std::size_t k = 0; k < kActivityClasses; ++k) sum += out[k] = std::exp(logits[k] - largest);
  for (float& p : out) p /= sum;
}

}  // namespace

struct ActivityNet::Layers {
  ConvStack stack;
  std::unique_ptr<device::LinearWeights> out;
};

ActivityNet::ActivityNet(device::Backend& backend)
    : ActivityNet(builtin_voice_weights(), "built-in voice network", backend) {}

ActivityNet::ActivityNet(std::span<const std::byte> safetensors, std::string_view name, device::Backend& backend)
    : backend_(backend) {
  const std::vector<Tensor> tensors = parse_safetensors(safetensors, name);
  layers_ = std::make_unique<Layers>(
      Layers{ConvStack(stack_layers(), tensors, name, "activity.", backend),
             read_stack_linear(tensors, name, "activity.out", kResults * kActivityClasses, kWidth, backend)});
}

ActivityNet::~ActivityNet() = default;

std::size_t ActivityNet::reach() const { return layers_->stack.reach(); }

std::vector<ActivityFrame> ActivityNet::run(TensorView<const float> mel) const {
  const std::vector<float> hidden = layers_->stack.run(mel);
  const std::size_t rows = hidden.size() / kWidth;
  std::vector<float> logits(rows * kResults * kActivityClasses);
  std::vector<ActivityFrame> frames((mel.rows() + kActivityStride - 1) / kActivityStride);
  if (rows == 0) return frames;
  backend_.linear(*layers_->out, {hidden.data(), rows, kWidth}, {logits.data(), rows, kResults * kActivityClasses}, {});
  for (std::size_t i = 0; i < frames.size(); ++i) softmax(logits.data() + i * kActivityClasses, frames[i]);
  return frames;
}

}  // namespace amanuensis::model
