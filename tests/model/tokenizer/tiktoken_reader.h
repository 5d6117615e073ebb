// Reads OpenAI's .tiktoken files (base64 token, space, rank) into a Vocabulary, with the special tokens that
// openai/whisper's tokenizer.py appends to them.
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "model/tokenizer/languages.h"
#include "model/tokenizer/vocabulary.h"

namespace amanuensis::model {

inline std::string decode_base64(std::string_view text) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    bits = (bits << 6U) | static_cast<unsigned>(kAlphabet.find(c));
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes.push_back(static_cast<char>((bits >> static_cast<unsigned>(count)) & 0xFFU));
    }
  }
  return bytes;
}

inline Vocabulary read_tiktoken(const std::filesystem::path& path, std::size_t languages) {
  Vocabulary vocabulary;
  vocabulary.source = path.string();
  std::ifstream file(path);
  std::string token;
  std::size_t rank = 0;
  while (file >> token >> rank) {
    if (vocabulary.tokens.size() <= rank) vocabulary.tokens.resize(rank + 1);
    vocabulary.tokens[rank] = decode_base64(token);
  }
  auto next = static_cast<TokenId>(vocabulary.tokens.size());
  const auto add = [&](std::string name) { vocabulary.special.emplace(std::move(name), next++); };
  add("<|endoftext|>");
  add("<|startoftranscript|>");
  for (const Language& language : whisper_languages().first(languages)) add(fmt::format("<|{}|>", language.code));
  for (const char* name : {"translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps"}) {
    add(fmt::format("<|{}|>", name));
  }
  for (int i = 0; i <= 1500; ++i) add(fmt::format("<|{}.{:02}|>", i / 50, i % 50 * 2));
  return vocabulary;
}

}  // namespace amanuensis::model
