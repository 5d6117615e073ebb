// Byte-level BPE as GPT-2 and Whisper use it (openai/gpt-2 encoder.py; openai/whisper tokenizer.py), with Whisper's
// special tokens found by name. Immutable after construction; may be used from any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/tokenizer/vocabulary.h"

namespace amanuensis::model {

// The ids of Whisper's special tokens in one vocabulary.
struct SpecialTokens {
  TokenId eot = -1;              // <|endoftext|>
  TokenId sot = -1;              // <|startoftranscript|>
  TokenId translate = -1;        // <|translate|>
  TokenId transcribe = -1;       // <|transcribe|>
  TokenId sot_lm = -1;           // <|startoflm|>; -1 when absent
  TokenId sot_prev = -1;         // <|startofprev|>
  TokenId no_speech = -1;        // <|nospeech|> or <|nocaptions|>
  TokenId no_timestamps = -1;    // <|notimestamps|>
  TokenId timestamp_begin = -1;  // <|0.00|>
  TokenId timestamp_end = -1;    // one past the last time token
};

struct LanguageToken {
  std::string code;  // "en"
  TokenId id;
};

class Tokenizer {
 public:
  // Throws Error{kBadData} naming what is missing (a byte without a token, no <|endoftext|>, time tokens not
  // consecutive, a merge of unknown tokens).
  explicit Tokenizer(Vocabulary vocabulary);
  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;

  // Token ids of UTF-8 text (any bytes are accepted); special tokens in the text are encoded as plain text.
  std::vector<TokenId> encode(std::string_view text) const;
  // The bytes of ordinary tokens, special and time tokens left out. May end inside a UTF-8 character.
  std::string decode(std::span<const TokenId> tokens) const;
  // As decode(), with malformed UTF-8 replaced by U+FFFD, as Python's errors="replace" does.
  std::string decode_text(std::span<const TokenId> tokens) const;
  // As decode_text(), with time tokens written as <|1.08|>.
  std::string decode_with_timestamps(std::span<const TokenId> tokens) const;

  const SpecialTokens& special() const;
  // All languages, ascending by id. Empty for an English-only vocabulary without language tokens.
  const std::vector<LanguageToken>& languages() const;
  std::optional<TokenId> language_token(std::string_view code) const;
  std::size_t vocabulary_size() const;  // one more than the largest id

  bool is_timestamp(TokenId id) const;
  // Seconds of a time token; its index times 0.02.
  double timestamp_s(TokenId id) const;

  // Tokens of symbols that are not speech (brackets, notes, "♪♪♪", ...), as openai/whisper's non_speech_tokens.
  std::vector<TokenId> non_speech_tokens() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Holds back the bytes of a character that is not complete yet, so that streamed text is always valid UTF-8.
class Utf8Stream {
 public:
  // The complete characters that `bytes` ends; malformed bytes become U+FFFD.
  std::string push(std::string_view bytes);
  // What is left, replaced by U+FFFD if incomplete.
  std::string finish();

 private:
  std::string pending_;
};

}  // namespace amanuensis::model
