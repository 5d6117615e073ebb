// Text as code points, with what Python's str and re know of them: case, whitespace, word characters, normal forms
// (Unicode 14; Unicode Standard Annex 15 for the forms). Pure functions; may be called from any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace amanuensis::pipeline {

// Malformed bytes become U+FFFD, as Python's errors="replace" makes them.
std::u32string decode_utf8(std::string_view text);
std::string encode_utf8(std::u32string_view text);

// Python's str.lower(): full mapping, a capital sigma that ends a word becomes the final one.
std::u32string lower_case(std::u32string_view text);

// Compatibility decomposition (NFKD) and its canonical composition (NFKC).
std::u32string decompose(std::u32string_view text);
std::u32string decompose_and_compose(std::u32string_view text);

bool is_space(char32_t c);           // \s
bool is_word_character(char32_t c);  // \w
// 0 to 9 for a decimal digit of any script (\d).
std::optional<int> digit_value(char32_t c);
bool is_nonspacing_mark(char32_t c);             // category Mn
bool is_mark_symbol_or_punctuation(char32_t c);  // categories M*, S*, P*

}  // namespace amanuensis::pipeline
