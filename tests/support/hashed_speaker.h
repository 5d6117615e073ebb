// The speaker networks of tools/goldens/speaker.py: the same made-up weights and audio, to the bit. Header only.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/checkpoint_builder.h"
#include "support/goldens.h"

namespace amanuensis::test {

struct SpeakerTensor {
  std::string name;
  std::vector<std::size_t> shape;
};

// As values() there.
inline std::vector<float> hashed_speaker_values(const SpeakerTensor& tensor) {
  const std::string_view name = tensor.name;
  std::size_t count = 1;
  for (const std::size_t extent : tensor.shape) count *= extent;
  const bool is_norm = tensor.shape.size() == 1 && name.ends_with(".weight");
  double gain = 1.0;
  if (name.starts_with("lstm.weight_ih") || name.starts_with("linear.")) gain = 2.5;
  if (name.starts_with("lstm.weight_hh")) gain = 0.75;
  if (name.starts_with("classifier")) gain = 4.0;
  const auto scale =
      static_cast<float>(gain * std::sqrt(3.0 / (static_cast<double>(count) / static_cast<double>(tensor.shape[0]))));
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    const float u = hashed_uniform(name, i);
    values[i] = name.ends_with("low_hz_")       ? 2000.0F + u * 1900.0F
                : name.ends_with("band_hz_")    ? 500.0F + u * 450.0F
                : name.ends_with("running_var") ? 1.0F + u * 0.5F
                : is_norm                       ? 1.0F + u * 0.25F
                : tensor.shape.size() == 1      ? u * 0.125F
                                                : u * scale;
  }
  return values;
}

inline std::vector<SpeakerTensor> segmentation_tensors() {
  std::vector<SpeakerTensor> tensors;
  const auto add = [&](const std::string& name, std::vector<std::size_t> shape) {
    tensors.push_back({name, std::move(shape)});
  };
  const auto add_norm = [&](const std::string& name, std::size_t channels) {
    add(name + ".weight", {channels});
    add(name + ".bias", {channels});
  };
  add_norm("sincnet.wav_norm1d", 1);
  add("sincnet.conv1d.0.filterbank.low_hz_", {40, 1});
  add("sincnet.conv1d.0.filterbank.band_hz_", {40, 1});
  for (std::size_t i = 1; i < 3; ++i) {
    add(fmt::format("sincnet.conv1d.{}.weight", i), {60, i == 1 ? 80U : 60U, 5});
    add(fmt::format("sincnet.conv1d.{}.bias", i), {60});
  }
  for (std::size_t i = 0; i < 3; ++i) add_norm(fmt::format("sincnet.norm1d.{}", i), i == 0 ? 80 : 60);
  for (std::size_t i = 0; i < 4; ++i) {
    for (const char* suffix : {"", "_reverse"}) {
      add(fmt::format("lstm.weight_ih_l{}{}", i, suffix), {512, i == 0 ? 60U : 256U});
      add(fmt::format("lstm.weight_hh_l{}{}", i, suffix), {512, 128});
      add(fmt::format("lstm.bias_ih_l{}{}", i, suffix), {512});
      add(fmt::format("lstm.bias_hh_l{}{}", i, suffix), {512});
    }
  }
  const auto add_linear = [&](const std::string& name, std::size_t out, std::size_t in) {
    add(name + ".weight", {out, in});
    add(name + ".bias", {out});
  };
  add_linear("linear.0", 128, 256);
  add_linear("linear.1", 128, 128);
  add_linear("classifier", 7, 128);
  return tensors;
}

inline std::vector<SpeakerTensor> wespeaker_tensors() {
  std::vector<SpeakerTensor> tensors;
  const auto add = [&](const std::string& name, std::vector<std::size_t> shape) {
    tensors.push_back({"resnet." + name, std::move(shape)});
  };
  const auto add_conv = [&](const std::string& conv, const std::string& norm, std::vector<std::size_t> shape) {
    add(conv + ".weight", shape);
    for (const char* part : {"weight", "bias", "running_mean", "running_var"}) add(norm + "." + part, {shape[0]});
  };
  add_conv("conv1", "bn1", {32, 1, 3, 3});
  std::size_t in = 32;
  const std::size_t blocks[] = {3, 4, 6, 3};
  for (std::size_t level = 0; level < 4; ++level) {
    const std::size_t out = std::size_t{32} << level;
    for (std::size_t i = 0; i < blocks[level]; ++i) {
      const std::string name = fmt::format("layer{}.{}.", level + 1, i);
      add_conv(name + "conv1", name + "bn1", {out, in, 3, 3});
      add_conv(name + "conv2", name + "bn2", {out, out, 3, 3});
      if (in != out) add_conv(name + "shortcut.0", name + "shortcut.1", {out, in, 1, 1});
      in = out;
    }
  }
  add("seg_1.weight", {256, 5120});
  add("seg_1.bias", {256});
  return tensors;
}

// A safetensors file of these tensors.
inline std::string hashed_speaker_file(const std::vector<SpeakerTensor>& tensors) {
  std::vector<SafetensorsEntry> entries;
  for (const SpeakerTensor& tensor : tensors) {
    entries.push_back(
        {tensor.name, "F32", tensor.shape, encode_values(model::StorageType::kF32, hashed_speaker_values(tensor))});
  }
  return safetensors_file(entries);
}

// As audio() there.
inline std::vector<float> hashed_speech(const std::string& name, std::size_t samples) {
  std::vector<float> wave(samples);
  for (std::size_t i = 0; i < samples; ++i) {
    const float level = 0.25F + 0.25F * hashed_uniform(name + ".level", i / 1600);
    const float tone = static_cast<float>(i * 7 % 800) * (1.0F / 1024) - 0.375F;
    wave[i] = hashed_uniform(name, i) * level + tone * 0.5F;
  }
  return wave;
}

}  // namespace amanuensis::test
