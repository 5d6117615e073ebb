// The vocabulary of a decode golden (tools/goldens/whisper_model.py) as a Tokenizer: special tokens at the reference's
// ids, ordinary tokens with made-up bytes, except for the space, which the rules ask for. Header only.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "model/checkpoint/checkpoint.h"
#include "model/tokenizer/tokenizer.h"
#include "support/checkpoint_builder.h"

namespace amanuensis::test {

inline model::Tokenizer hashed_tokenizer(const nlohmann::json& golden) {
  model::Vocabulary vocabulary;
  vocabulary.special = golden.at("special").get<decltype(vocabulary.special)>();
  model::TokenId time = golden.at("timestamp_begin");
  for (std::size_t i = 0; i <= 1500; ++i) vocabulary.special[time_token(i)] = time++;

  const auto ordinary = static_cast<std::size_t>(vocabulary.special.at("<|endoftext|>"));
  const auto space = golden.at("space").get<std::size_t>();
  for (std::size_t id = 0; id < ordinary; ++id) {
    // 256 single bytes, then "x0", "x1", ...; the byte that stands where the space belongs changes places with it.
    unsigned char byte = static_cast<unsigned char>(id);
    if (id == space) byte = ' ';
    if (id == ' ') byte = static_cast<unsigned char>(space);
    vocabulary.tokens.push_back(id < 256 ? std::string(1, static_cast<char>(byte)) : "x" + std::to_string(id));
  }
  return model::Tokenizer(std::move(vocabulary));
}

inline model::GenerationSettings hashed_settings(const nlohmann::json& golden) {
  model::GenerationSettings settings;
  settings.is_multilingual = true;
  settings.suppress_tokens = golden.at("non_speech_tokens").get<std::vector<model::TokenId>>();
  return settings;
}

}  // namespace amanuensis::test
