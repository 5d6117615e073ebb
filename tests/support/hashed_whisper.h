// Multilingual models with hashed weights (hashed_model.h), as tools/goldens/whisper_model.py decodes with them: the
// published vocabulary's layout and lists, without its words. Immutable once made; any thread may use it. Header only.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "decoding/decode_window.h"
#include "model/checkpoint/whisper_vocabulary.h"
#include "support/cpu_machine.h"
#include "support/goldens.h"
#include "support/hashed_model.h"

namespace amanuensis::test {

// 50,257 words that are no words, but for the space, which the rules ask for by its text; and the special tokens of a
// multilingual vocabulary of that size.
inline model::Tokenizer wordless_tokenizer(std::size_t n_vocab) {
  constexpr std::size_t kWords = 50257;
  constexpr std::size_t kSpace = 220;
  model::Vocabulary vocabulary;
  for (std::size_t id = 0; id < kWords; ++id) {
    // 256 single bytes, of which the one that stands where the space belongs changes places with it.
    const std::size_t byte = id == kSpace ? ' ' : id == ' ' ? kSpace : id;
    vocabulary.tokens.push_back(id < 256 ? std::string(1, static_cast<char>(byte)) : std::to_string(id).append("w"));
  }
  model::add_special_tokens(vocabulary, n_vocab, "a test's vocabulary");
  return model::Tokenizer(std::move(vocabulary));
}

class HashedWhisper {
 public:
  explicit HashedWhisper(const model::ModelDimensions& dims)
      : model_(HashedModel(dims).checkpoint(), machine_.backend()), tokenizer_(wordless_tokenizer(dims.n_vocab)) {
    const nlohmann::json lists = read_golden("decoding_vocabulary.json").at("cases").at(0);
    settings_.is_multilingual = true;
    settings_.suppress_tokens = lists.at("non_speech").get<std::vector<model::TokenId>>();
    settings_.begin_suppress_tokens = lists.at("blank").get<std::vector<model::TokenId>>();
    settings_.begin_suppress_tokens.push_back(tokenizer_.special().eot);
  }

  const model::WhisperModel& model() const { return model_; }
  const model::Tokenizer& tokenizer() const { return tokenizer_; }
  const model::GenerationSettings& generation() const { return settings_; }
  decoding::DecodingContext context() const {
    return {.model = model_, .tokenizer = tokenizer_, .generation = settings_};
  }

  std::shared_ptr<const model::EncodedWindow> window(const std::string& mel_name) const {
    const model::ModelDimensions& dims = model_.dims();
    const AlignedBuffer<float> mel = hashed_mel(mel_name, dims.n_mels, dims.window_frames());
    const TensorView<const float> view = mel.matrix(dims.n_mels, dims.window_frames());
    return model_.encode({&view, 1}).front();
  }

 private:
  CpuMachine machine_;
  model::WhisperModel model_;
  model::Tokenizer tokenizer_;
  model::GenerationSettings settings_;
};

// As small as decoding allows, with the vocabulary of the multilingual models.
inline model::ModelDimensions miniature() {
  return {.n_mels = 80,
          .n_audio_ctx = 64,
          .n_audio_state = 64,
          .n_audio_head = 2,
          .n_audio_layer = 1,
          .n_audio_ffn = 256,
          .n_vocab = 51865,
          .n_text_ctx = 48,
          .n_text_state = 64,
          .n_text_head = 2,
          .n_text_layer = 2,
          .n_text_ffn = 256};
}

// One for all tests of a program: it is immutable.
inline const HashedWhisper& miniature_whisper() {
  static const HashedWhisper model(miniature());
  return model;
}

}  // namespace amanuensis::test
