#include "model/speaker/segmentation_layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace amanuensis::model {
namespace {

constexpr std::size_t kBands = kSincFilters / 2;
constexpr double kRate = 16000;
constexpr double kLowest = 50;     // added to what was learned
constexpr double kNarrowest = 50;  // the same

ChannelNorm read_norm(const SpeakerTensors& tensors, const std::string& name, std::size_t channels) {
  return {tensors.read(name + ".weight", {channels}), tensors.read(name + ".bias", {channels})};
}

// [out, in, taps] as published, into rows of taps * in: the order in which frames lie in memory.
MatrixValues by_frames(const std::vector<float>& published, std::size_t out, std::size_t in, std::size_t taps) {
  std::vector<float> values(published.size());
  for (std::size_t o = 0; o < out; ++o) {
    for (std::size_t i = 0; i < in; ++i) {
      for (std::size_t k = 0; k < taps; ++k) values[(o * taps + k) * in + i] = published[(o * in + i) * taps + k];
    }
  }
  return {out, taps * in, std::move(values)};
}

Linear read_linear(const SpeakerTensors& tensors, device::Backend& backend, const std::string& name, std::size_t out,
                   std::size_t in) {
  const MatrixValues weight(out, in, tensors.read(name + ".weight", {out, in}));
  return backend.prepare_linear(weight, tensors.read(name + ".bias", {out}));
}

LstmDirection read_direction(const SpeakerTensors& tensors, device::Backend& backend, const std::string& suffix,
                             std::size_t units, std::size_t in) {
  const std::size_t gates = 4 * units;
  std::vector<float> bias = tensors.read("lstm.bias_ih_" + suffix, {gates});
  const std::vector<float> hidden_bias = tensors.read("lstm.bias_hh_" + suffix, {gates});
  std::ranges::transform(bias, hidden_bias, bias.begin(), std::plus<>());
  const MatrixValues input(gates, in, tensors.read("lstm.weight_ih_" + suffix, {gates, in}));
  const MatrixValues hidden(gates, units, tensors.read("lstm.weight_hh_" + suffix, {gates, units}));
  return {backend.prepare_linear(input, bias), backend.prepare_linear(hidden, {})};
}

}  // namespace

std::vector<float> sinc_filters(const std::vector<float>& low, const std::vector<float>& band) {
  constexpr std::size_t kHalf = kSincTaps / 2;
  std::vector<float> filters(kSincFilters * kSincTaps);
  for (std::size_t b = 0; b < kBands; ++b) {
    const double from = kLowest + std::abs(static_cast<double>(low[b]));
    const double to = std::clamp(from + kNarrowest + std::abs(static_cast<double>(band[b])), kLowest, kRate / 2);
    float* even = filters.data() + b * kSincTaps;
    float* odd = filters.data() + (kBands + b) * kSincTaps;
    even[kHalf] = 1;
    for (std::size_t k = 0; k < kHalf; ++k) {
      const double turn = 2 * std::numbers::pi * (static_cast<double>(k) - static_cast<double>(kHalf)) / kRate;
      const double window =
          0.54 - 0.46 * std::cos(2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(kSincTaps - 1));
      const double scale = window / (turn / 2) / (2 * (to - from));
      even[k] = static_cast<float>(scale * (std::sin(to * turn) - std::sin(from * turn)));
      odd[k] = static_cast<float>(scale * (std::cos(from * turn) - std::cos(to * turn)));
      even[kSincTaps - 1 - k] = even[k];
      odd[kSincTaps - 1 - k] = -odd[k];
    }
  }
  return filters;
}

SegmentationNetwork::Layers::Layers(const SpeakerTensors& tensors, device::Backend& backend) {
  wave_norm = read_norm(tensors, "sincnet.wav_norm1d", 1);
  const std::string filterbank = "sincnet.conv1d.0.filterbank.";
  const MatrixValues filters(kSincFilters, kSincTaps,
                             sinc_filters(tensors.read(filterbank + "low_hz_", {kBands, 1}),
                                          tensors.read(filterbank + "band_hz_", {kBands, 1})));
  sinc[0].conv = backend.prepare_linear(filters, {});
  for (std::size_t i = 1; i < sinc.size(); ++i) {
    const std::size_t in = i == 1 ? kSincFilters : kConvWidth;
    const std::string name = fmt::format("sincnet.conv1d.{}", i);
    const std::vector<float> weight = tensors.read(name + ".weight", {kConvWidth, in, kConvTaps});
    sinc[i].conv = backend.prepare_linear(by_frames(weight, kConvWidth, in, kConvTaps),
                                          tensors.read(name + ".bias", {kConvWidth}));
  }
  for (std::size_t i = 0; i < sinc.size(); ++i) {
    sinc[i].norm = read_norm(tensors, fmt::format("sincnet.norm1d.{}", i), i == 0 ? kSincFilters : kConvWidth);
  }

  const std::vector<std::size_t> recurrent = tensors.shape("lstm.weight_hh_l0");
  units = recurrent.size() == 2 ? recurrent[1] : 0;
  if (units == 0) tensors.fail("lstm.weight_hh_l0", "is missing or no matrix: this is not pyannote's segmentation");
  for (std::size_t i = 0; tensors.has(fmt::format("lstm.weight_ih_l{}", i)); ++i) {
    const std::size_t in = i == 0 ? kConvWidth : 2 * units;
    lstm.push_back({read_direction(tensors, backend, fmt::format("l{}", i), units, in),
                    read_direction(tensors, backend, fmt::format("l{}_reverse", i), units, in)});
  }
  std::size_t width = 2 * units;
  for (std::size_t i = 0; tensors.has(fmt::format("linear.{}.weight", i)); ++i) {
    const std::string name = fmt::format("linear.{}", i);
    const std::vector<std::size_t> shape = tensors.shape(name + ".weight");
    linear.push_back(read_linear(tensors, backend, name, shape.front(), width));
    width = shape.front();
  }
  const std::vector<std::size_t> shape = tensors.shape("classifier.bias");
  classifier = read_linear(tensors, backend, "classifier", shape.empty() ? 0 : shape.front(), width);
}

}  // namespace amanuensis::model
