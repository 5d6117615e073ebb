// The small vocabulary of checkpoint_builder.h (256 bytes, Whisper's special tokens with two languages, the time
// tokens) as a Tokenizer, and its checkpoint-side settings. Header only.
#pragma once

#include <string>
#include <utility>

#include "model/checkpoint/checkpoint.h"
#include "model/tokenizer/tokenizer.h"
#include "support/checkpoint_builder.h"

namespace amanuensis::test {

inline model::Tokenizer small_tokenizer() {
  model::Vocabulary vocabulary;
  for (int byte = 0; byte < 256; ++byte) vocabulary.tokens.emplace_back(1, static_cast<char>(byte));
  model::TokenId id = kSmallOrdinaryTokens;
  for (const std::string& name : small_special_tokens()) vocabulary.special[name] = id++;
  return model::Tokenizer(std::move(vocabulary));
}

inline model::GenerationSettings multilingual_settings() {
  model::GenerationSettings settings;
  settings.is_multilingual = true;
  return settings;
}

}  // namespace amanuensis::test
