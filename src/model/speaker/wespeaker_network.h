// WeSpeaker's ResNet34 (Wang et al. 2023, arXiv 2210.17016; He et al. 2016): from mel features to a vector of who
// speaks. A convolutional part gives 2560 values every eight frames (80 ms); their weighted mean and deviation over any
// stretch (temporal statistics pooling) give its embedding by one linear layer. So the expensive part is computed once,
// whatever stretches and weights are asked for afterwards.
//
// The network is immutable and may be shared; its calls are the backend's, one at a time.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "device/backend.h"

namespace amanuensis::model {

inline constexpr std::size_t kWeSpeakerStride = 8;  // features for each frame of the network

// What the convolutions make of one window: [frames, width], for a network's own pooling.
struct WeSpeakerFrames {
  std::size_t frames = 0;
  std::size_t width = 0;
  AlignedBuffer<float> values;
};

// A stretch that is to become an embedding.
struct WeSpeakerStretch {
  const WeSpeakerFrames* frames = nullptr;
  std::size_t first = 0;
  std::size_t count = 0;
  // How much each part counts, first to last, spread over the frames by nearest neighbour as PyTorch does it; empty:
  // all frames alike.
  std::span<const float> weights = {};
};

class WeSpeakerNetwork {
 public:
  // Reads a safetensors or PyTorch file with the published names ("resnet.conv1.weight", or without "resnet."), or the
  // folder that holds it. A backend that computes in float32 gives PyTorch's values within 1e-4; it must outlive the
  // network. Throws as SpeakerTensors does.
  WeSpeakerNetwork(const std::filesystem::path& path, device::Backend& backend);
  ~WeSpeakerNetwork();
  WeSpeakerNetwork(const WeSpeakerNetwork&) = delete;
  WeSpeakerNetwork& operator=(const WeSpeakerNetwork&) = delete;

  std::size_t dimension() const;  // of an embedding: 256

  // windows: each [frames, 80] of kaldi_fbank.h with its means taken off, at least one frame. Windows of one call share
  // their products.
  std::vector<WeSpeakerFrames> encode(std::span<const TensorView<const float>> windows) const;

  // out [stretches, dimension()], not normalised. A stretch has at least two frames; one whose weights are all zero
  // gives the embedding of zeros.
  void embed(std::span<const WeSpeakerStretch> stretches, TensorView<float> out) const;

 private:
  struct Layers;
  class Encoder;

  device::Backend& backend_;
  std::unique_ptr<Layers> layers_;
};

}  // namespace amanuensis::model
