// The weights of SegmentationNetwork, prepared for a backend. Immutable once read. For segmentation_network.cc alone.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "device/backend.h"
#include "model/speaker/segmentation_network.h"
#include "model/speaker/speaker_tensors.h"

namespace amanuensis::model {

inline constexpr std::size_t kSincFilters = 80;
inline constexpr std::size_t kSincTaps = 251;
inline constexpr std::size_t kSincStride = 10;
inline constexpr std::size_t kConvTaps = 5;
inline constexpr std::size_t kConvWidth = 60;
inline constexpr std::size_t kPool = 3;

using Linear = std::unique_ptr<device::LinearWeights>;

// Instance normalisation (Ulyanov et al. 2016): per channel, over the frames of one window.
struct ChannelNorm {
  std::vector<float> gamma;
  std::vector<float> beta;
};

// A convolution over time whose input rows [taps * in] are multiplied as they lie in memory, then its norm.
struct SincLayer {
  Linear conv;
  ChannelNorm norm;
};

struct LstmDirection {
  Linear input;  // with both biases
  Linear hidden;
};

struct SegmentationNetwork::Layers {
  Layers(const SpeakerTensors& tensors, device::Backend& backend);

  ChannelNorm wave_norm;
  std::array<SincLayer, 3> sinc;
  std::size_t units = 0;  // of one direction
  std::vector<std::array<LstmDirection, 2>> lstm;
  std::vector<Linear> linear;
  Linear classifier;
};

// The band-pass filters [80, 251] of the frequencies that the network has learned, in Hz: 40 even ones (cosines), then
// 40 odd ones, under a Hamming window. low, band: [40].
std::vector<float> sinc_filters(const std::vector<float>& low, const std::vector<float>& band);

}  // namespace amanuensis::model
