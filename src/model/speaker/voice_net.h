// The project's own speaker network: log-mel frames to a vector for each region of them, alike for one voice and unlike
// for two. Two small time-delay networks side by side (Waibel et al. 1989; Snyder et al. 2018), each with mean and
// standard deviation over time and one linear layer; trained on synthetic and real voices by tools/speaker-model. Its
// weights are part of the program.
//
// Written against the port: a convolution is a linear layer over rows that overlap in memory. The network is immutable;
// its calls are the backend's, one at a time.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "base/tensor_view.h"
#include "device/backend.h"

namespace amanuensis::model {

inline constexpr std::size_t kVoiceNetBands = 40;
inline constexpr std::size_t kVoiceNetWidth = 256;

// Frames [start, end), 10 ms each.
struct FrameRange {
  std::size_t start = 0;
  std::size_t end = 0;
};

// What is known of vectors at all (probabilistic linear discriminant analysis: Prince and Elder 2007): after
// transform [between.size(), kVoiceNetWidth] of their difference from the mean, those of one speaker scatter by 1 in
// every direction, and the speakers by `between`.
struct VoiceSpace {
  std::vector<float> mean;
  std::vector<float> transform;
  std::vector<float> between;
};

class VoiceNet {
 public:
  // The weights that are part of the program. `backend` should compute in float32 and must outlive the network.
  explicit VoiceNet(device::Backend& backend);
  // A safetensors file's bytes, as tools/speaker-model/export.py writes it. Throws Error{kBadData} naming the tensor.
  VoiceNet(std::span<const std::byte> safetensors, std::string_view name, device::Backend& backend);
  ~VoiceNet();
  VoiceNet(const VoiceNet&) = delete;
  VoiceNet& operator=(const VoiceNet&) = delete;

  // mel: [frames, kVoiceNetBands], the mean of the recording taken off, contiguous. Writes one vector of kVoiceNetWidth
  // for each region to out, of length 1, or zero for a region without a frame. Regions may overlap; sorted by start is
  // fastest. Throws Error{kInvalidArgument} for a region outside the frames.
  void run(TensorView<const float> mel, std::span<const FrameRange> regions, std::span<float> out) const;

  const VoiceSpace& space() const { return space_; }

 private:
  struct Net;

  // What one of the networks makes of the regions: [regions, kVoiceNetWidth / 2], of any length.
  void run_net(const Net& net, TensorView<const float> mel, std::span<const FrameRange> regions,
               std::span<float> vectors) const;

  device::Backend& backend_;
  std::vector<Net> nets_;
  VoiceSpace space_;
};

}  // namespace amanuensis::model
