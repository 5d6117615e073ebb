// Finds Whisper's special tokens and languages in a vocabulary, by name. Pure functions.
#pragma once

#include <vector>

#include "model/tokenizer/tokenizer.h"

namespace amanuensis::model {

// Throws Error{kBadData} naming the token that is missing, or the time token that is not where it should be.
SpecialTokens find_special_tokens(const Vocabulary& vocabulary);

// The language tokens of the vocabulary, ascending by id.
std::vector<LanguageToken> find_language_tokens(const Vocabulary& vocabulary);

// The hundredths of a second of a time token's name ("<|1.08|>" -> 108), or -1 when it is not one.
int parse_time_token(std::string_view name);

}  // namespace amanuensis::model
