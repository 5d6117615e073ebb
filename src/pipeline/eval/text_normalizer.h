// The text normalizers that word error rates of Whisper models are measured with (Radford et al. 2022, appendix C):
// the same result, character for character, as openai-whisper's EnglishTextNormalizer and BasicTextNormalizer with
// Python 3.11. Pure functions; may be called from any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace amanuensis::pipeline {

enum class Normalizer {
  kEnglish,  // contractions, titles, numbers, currency, American spelling; no punctuation and no diacritics
  kBasic,    // lower case, no punctuation, nothing in brackets: for any language
  kNone,     // words as they are
};

// "english", "basic", "none".
std::string_view to_string(Normalizer normalizer);
std::optional<Normalizer> normalizer_named(std::string_view name);

// Takes and gives UTF-8; malformed bytes become U+FFFD first. The result may begin or end with a space, as there.
std::string normalize_english(std::string_view text);
std::string normalize_basic(std::string_view text);
std::string normalize(Normalizer normalizer, std::string_view text);

}  // namespace amanuensis::pipeline
