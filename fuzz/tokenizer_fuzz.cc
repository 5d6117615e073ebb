// Fuzzes the tokenizer: the input as the text of a tokenizer.json, and as text to encode and decode with a small
// built-in vocabulary. A file is refused with an Error or gives a tokenizer that round-trips any bytes.
#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model/tokenizer/tokenizer.h"
#include "model/tokenizer/utf8.h"
#include "model/tokenizer/vocabulary_files.h"

namespace {

using amanuensis::Error;
using amanuensis::model::TokenId;
using amanuensis::model::Tokenizer;
using amanuensis::model::Utf8Stream;
using amanuensis::model::Vocabulary;

// libFuzzer takes an abort for a finding.
void require(bool holds) {
  if (!holds) std::abort();
}

// The 256 bytes, some merges of them, and the special tokens a tokenizer needs.
Vocabulary small_vocabulary(bool with_merges) {
  Vocabulary vocabulary;
  for (int byte = 0; byte < 256; ++byte) vocabulary.tokens.emplace_back(1, static_cast<char>(byte));
  for (const auto& pair : std::array<std::array<std::string_view, 2>, 7>{
           {{"a", "a"}, {"aa", "a"}, {" ", "a"}, {"\xE2", "\x99"}, {"{", "\""}, {" ", " "}, {"aa", "aa"}}}) {
    const auto id_of = [&](std::string_view token) {
      TokenId id = 0;
      while (vocabulary.tokens[static_cast<std::size_t>(id)] != token) ++id;
      return id;
    };
    if (with_merges) vocabulary.merges.emplace_back(id_of(pair[0]), id_of(pair[1]));
    vocabulary.tokens.push_back(std::string(pair[0]).append(pair[1]));
  }
  auto next = static_cast<TokenId>(vocabulary.tokens.size());
  for (const char* name : {"<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|translate|>", "<|transcribe|>",
                           "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>", "<|0.00|>", "<|0.02|>"}) {
    vocabulary.special.emplace(name, next++);
  }
  return vocabulary;
}

void check_round_trip(const Tokenizer& tokenizer, std::string_view text) {
  const std::vector<TokenId> tokens = tokenizer.encode(text);
  require(tokenizer.decode(tokens) == text);
  Utf8Stream stream;
  std::string streamed;
  for (const TokenId& token : tokens) streamed += stream.push(tokenizer.decode({&token, 1}));
  streamed += stream.finish();
  require(streamed == tokenizer.decode_text(tokens));
  require(tokenizer.decode_with_timestamps(tokens) == streamed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Tokenizer by_merges(small_vocabulary(true));
  static const Tokenizer by_ids(small_vocabulary(false));
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check_round_trip(by_merges, input);
  check_round_trip(by_ids, input);
  try {
    const Tokenizer tokenizer(amanuensis::model::parse_tokenizer_json(input, "input"));
    check_round_trip(tokenizer, input.substr(0, 200));
    tokenizer.non_speech_tokens();
  } catch (const Error& error) {
    require(!std::string_view(error.what()).empty());
  }
  return 0;
}
