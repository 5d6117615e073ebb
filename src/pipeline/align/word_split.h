// Tokens gathered into words (openai/whisper, tokenizer.py: split_to_word_tokens). Pure; any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/tokenizer/tokenizer.h"

namespace amanuensis::pipeline {

struct TokenWord {
  std::string text;  // UTF-8, with the space before it
  std::size_t tokens = 0;
};

// The words of text tokens that an end-of-text token follows, without the word that holds the latter. In languages
// written without spaces (zh, ja, th, lo, my, yue) every complete character ends a word; in others a word begins with a
// space or is punctuation.
std::vector<TokenWord> split_words(std::span<const model::TokenId> text_tokens, const model::Tokenizer& tokenizer,
                                   std::string_view language);

}  // namespace amanuensis::pipeline
