// Models whose weights come from a hash of their names, made alike here and in tools/goldens/common.py, so that goldens
// of openai-whisper need no weights stored. Header only.
//
//   const HashedModel hashed(read_dimensions(golden["dims"]));
//   const model::WhisperModel whisper(hashed.checkpoint(), backend);
#pragma once

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/tensor_view.h"
#include "model/checkpoint/checkpoint.h"
#include "model/checkpoint/random_checkpoint.h"
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

// common.py's uniform(), many at a time.
inline void fill_uniform(std::string_view name, std::span<float> out) { model::fill_uniform(name, 0, out); }

// common.py's tensor_values() is what random_checkpoint() does with seed 0; the end of text is the likely token.
class HashedModel {
 public:
  explicit HashedModel(const model::ModelDimensions& dims)
      : checkpoint_(model::random_checkpoint(dims, {.likely_token = kEndOfText})) {}

  const model::Checkpoint& checkpoint() const { return checkpoint_; }
  model::Checkpoint& checkpoint() { return checkpoint_; }
  // The values of one tensor, to read or to spoil.
  std::span<float> values(const std::string& name) {
    const auto bytes = checkpoint_.tensors.at(name).bytes;
    const auto owner =
        std::ranges::find_if(checkpoint_.buffers, [&](const auto& buffer) { return buffer.data() == bytes.data(); });
    return {reinterpret_cast<float*>(owner->data()), bytes.size() / sizeof(float)};
  }

 private:
  static constexpr model::TokenId kEndOfText = 50257;
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
