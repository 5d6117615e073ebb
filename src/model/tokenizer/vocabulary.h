// A tokenizer's data, as a checkpoint holds it: plain values, filled by the readers (vocabulary_files.h for Hugging
// Face files, checkpoint/ggml.cc for ggml) and used by Tokenizer. Immutable once loaded.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace amanuensis::model {

using TokenId = std::int32_t;

// No published Whisper vocabulary has more than 52,000 tokens; a larger id than this comes from a damaged file.
inline constexpr TokenId kMaxTokenId = (1 << 20) - 1;

struct Vocabulary {
  // The bytes of each ordinary token, by id. Ids that are special tokens, or unused, hold an empty string.
  std::vector<std::string> tokens;
  // Pairs of ordinary token ids in the order they merge (merges.txt). Empty when the checkpoint has none (ggml): then a
  // pair merges by the id of its result, as tiktoken does.
  std::vector<std::pair<TokenId, TokenId>> merges;
  // "<|endoftext|>" -> id, and so on: languages, tasks, time tokens "<|0.00|>" ... "<|30.00|>".
  std::map<std::string, TokenId, std::less<>> special;
  // Where it was read from, for error messages.
  std::string source = "vocabulary";
};

}  // namespace amanuensis::model
