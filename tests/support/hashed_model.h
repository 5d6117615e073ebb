// Models whose weights come from a hash of their names, made alike here and in tools/goldens/common.py, so that goldens
// of openai-whisper need no weights stored. Header only.
//
//   const HashedModel hashed(read_dimensions(golden["dims"]));
//   const model::WhisperModel whisper(hashed.checkpoint(), backend);
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/tensor_view.h"
#include "model/checkpoint/checkpoint.h"
#include "model/checkpoint/layout.h"
#include "support/goldens.h"

namespace amanuensis::test {

// The dimensions as openai-whisper names them; its MLPs are four times as wide as the model.
inline model::ModelDimensions read_dimensions(const nlohmann::json& dims) {
  const auto size = [&](const char* name) { return dims.at(name).get<std::size_t>(); };
  return {.n_mels = size("n_mels"),
          .n_audio_ctx = size("n_audio_ctx"),
          .n_audio_state = size("n_audio_state"),
          .n_audio_head = size("n_audio_head"),
          .n_audio_layer = size("n_audio_layer"),
          .n_audio_ffn = 4 * size("n_audio_state"),
          .n_vocab = size("n_vocab"),
          .n_text_ctx = size("n_text_ctx"),
          .n_text_state = size("n_text_state"),
          .n_text_head = size("n_text_head"),
          .n_text_layer = size("n_text_layer"),
          .n_text_ffn = 4 * size("n_text_state")};
}

// common.py's tensor_values(): what scales the uniform values of a tensor, and what is added to them.
struct HashedScale {
  float factor = 1.0F;
  float offset = 0.0F;
};

inline HashedScale hashed_scale(std::string_view name, const std::vector<std::size_t>& shape) {
  if (name.ends_with("positional_embedding")) return {};
  std::size_t inputs = 1;
  for (std::size_t i = 1; i < shape.size(); ++i) inputs *= shape[i];
  const double deviation = std::sqrt(3.0 / static_cast<double>(inputs));
  if (name.ends_with("token_embedding.weight")) return {static_cast<float>(3.0 * deviation), 0.0F};
  if (name.ends_with(".bias")) return {0.125F, 0.0F};
  if (shape.size() == 1) return {0.125F, 1.0F};
  double gain = 1.0;
  if (name.ends_with(".query.weight") || name.ends_with(".key.weight")) {
    gain = 1.75;
  } else if (name.starts_with("decoder.") && (name.ends_with(".out.weight") || name.ends_with(".mlp.2.weight"))) {
    gain = 4.0;
  }
  return {static_cast<float>(gain * deviation), 0.0F};
}

// common.py's uniform(), many at a time.
inline void fill_uniform(std::string_view name, std::span<float> out) {
  std::uint64_t seed = 0xCBF29CE484222325U;
  for (const char c : name) seed = (seed ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  for (float& value : out) {
    seed += 0x9E3779B97F4A7C15U;
    std::uint64_t z = (seed ^ (seed >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    value = static_cast<float>(static_cast<std::int32_t>((z ^ (z >> 31U)) >> 40U) - (1 << 23)) * 0x1p-23F;
  }
}

// A checkpoint in memory. It owns the values that the checkpoint's tensors point to.
class HashedModel {
 public:
  explicit HashedModel(const model::ModelDimensions& dims) {
    checkpoint_.path = "hashed weights";
    checkpoint_.format = "float32 in memory";
    checkpoint_.dims = dims;
    for (const model::ExpectedTensor& expected : model::expected_tensors(dims)) add(expected.name, expected.shape);
  }

  const model::Checkpoint& checkpoint() const { return checkpoint_; }
  model::Checkpoint& checkpoint() { return checkpoint_; }
  // The values of one tensor, to read or to spoil.
  std::span<float> values(const std::string& name) {
    const auto bytes = checkpoint_.tensors.at(name).bytes;
    const auto owner =
        std::ranges::find_if(storage_, [&](const auto& b) { return std::as_bytes(b.span()).data() == bytes.data(); });
    return owner->span();
  }

 private:
  void add(const std::string& name, const std::vector<std::size_t>& shape) {
    std::size_t count = 1;
    for (const std::size_t extent : shape) count *= extent;
    const std::span<float> values = storage_.emplace_back(count).span();
    fill_uniform(name, values);
    constexpr std::size_t kEndOfText = 50257;
    if (name.ends_with("token_embedding.weight") && shape[0] > kEndOfText) {
      for (float& value : values.subspan(kEndOfText * shape[1], shape[1])) value *= 2.0F;
    }
    const HashedScale scale = hashed_scale(name, shape);
    for (float& value : values) value = scale.offset + value * scale.factor;
    checkpoint_.tensors[name] = {.source_name = name,
                                 .file = checkpoint_.path.string(),
                                 .type = model::StorageType::kF32,
                                 .shape = shape,
                                 .bytes = std::as_bytes(values)};
  }

  std::vector<AlignedBuffer<float>> storage_;  // moving a buffer leaves its values where they are
  model::Checkpoint checkpoint_;
};

// common.py's hashed_mel(): [n_mels, frames], row by row.
inline AlignedBuffer<float> hashed_mel(const std::string& name, std::size_t n_mels, std::size_t frames) {
  const std::size_t block_columns = (frames + 24) / 25;
  std::vector<float> blocks((n_mels + 7) / 8 * block_columns);
  fill_uniform(name + ".blocks", blocks);
  AlignedBuffer<float> mel(n_mels * frames);
  fill_uniform(name + ".noise", mel.span());
  for (std::size_t m = 0; m < n_mels; ++m) {
    for (std::size_t t = 0; t < frames; ++t) {
      float& value = mel[m * frames + t];
      value = blocks[m / 8 * block_columns + t / 25] + 0.5F * value;
    }
  }
  return mel;
}

}  // namespace amanuensis::test
