// Small rewriting steps on text as code points, in place of regular expressions: each says the one it stands for, in
// Python's syntax and with Python's Unicode classes. They take time in the length of the text. Pure functions; may be
// called from any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace amanuensis::pipeline {

// A literal that is replaced wherever it stands: \bfrom\b -> to.
struct WordRule {
  std::u32string_view from;
  std::u32string_view to;
  bool at_word_start = true;  // with the first \b; the last is always asked for
};

// True when exactly one side of position `at` is a word character: \b.
bool is_word_boundary(std::u32string_view text, std::size_t at);

// True when the text has `literal` at `at`.
bool has_at(std::u32string_view text, std::size_t at, std::u32string_view literal);

// Applies one rule from left to right.
std::u32string replace_word(const std::u32string& text, const WordRule& rule);

// [<\[][^>\]]*[>\]] and \(([^)]+?)\) removed.
std::u32string remove_bracketed(std::u32string_view text);

// \s+ -> one space.
std::u32string collapse_spaces(std::u32string_view text);

// \s+' -> '
std::u32string join_apostrophes(std::u32string_view text);

// Python's str.split().
std::vector<std::u32string> split_words(std::u32string_view text);
std::u32string join_words(const std::vector<std::u32string>& words);

constexpr bool is_ascii_digit(char32_t c) { return c >= U'0' && c <= U'9'; }
constexpr bool is_ascii_lower(char32_t c) { return c >= U'a' && c <= U'z'; }

}  // namespace amanuensis::pipeline
