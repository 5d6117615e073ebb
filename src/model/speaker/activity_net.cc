#include "model/speaker/activity_net.h"

#include <algorithm>
#include <cmath>

#include "model/checkpoint/safetensors.h"
#include "model/speaker/conv_stack.h"
#include "model/speaker/voice_weights.h"

namespace amanuensis::model {
namespace {

constexpr std::size_t kBands = 40;
constexpr std::size_t kWidth = 96;

std::vector<StackLayer> stack_layers() {
  std::vector<StackLayer> layers{{.inputs = kBands, .outputs = 64, .kernel = 5},
                                 {.inputs = 64, .outputs = kWidth, .kernel = 3, .stride = kActivityStride}};
  for (const std::size_t dilation : {2, 4, 8, 16, 32}) {
    layers.push_back({.inputs = kWidth, .outputs = kWidth, .kernel = 3, .dilation = dilation, .residual = true});
  }
  layers.push_back({.inputs = kWidth, .outputs = kWidth, .kernel = 5, .residual = true});
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
             read_stack_linear(tensors, name, "activity.out", kActivityClasses, kWidth, backend)});
}

ActivityNet::~ActivityNet() = default;

std::size_t ActivityNet::reach() const { return layers_->stack.reach(); }

std::vector<ActivityFrame> ActivityNet::run(TensorView<const float> mel) const {
  const std::vector<float> hidden = layers_->stack.run(mel);
  const std::size_t rows = hidden.size() / kWidth;
  std::vector<float> logits(rows * kActivityClasses);
  std::vector<ActivityFrame> frames(rows);
  if (rows == 0) return frames;
  backend_.linear(*layers_->out, {hidden.data(), rows, kWidth}, {logits.data(), rows, kActivityClasses}, {});
  for (std::size_t i = 0; i < rows; ++i) softmax(logits.data() + i * kActivityClasses, frames[i]);
  return frames;
}

}  // namespace amanuensis::model
