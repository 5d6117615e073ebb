#include "pipeline/eval/text_rewriting.h"

#include "pipeline/eval/unicode_text.h"

namespace amanuensis::pipeline {
namespace {

// Removes what begins with one of `open` and reaches to the next of `close`, with at least `least` characters between.
std::u32string remove_spans(std::u32string_view text, std::u32string_view open, std::u32string_view close,
                            std::size_t least) {
  std::u32string out;
  out.reserve(text.size());
  bool may_close = true;  // false once no closing character is left
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (may_close && open.find(text[i]) != std::u32string_view::npos) {
      const std::size_t end = text.find_first_of(close, i + 1);
      may_close = end != std::u32string_view::npos;
      if (may_close && end - i > least) {
        i = end;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

}  // namespace

bool is_word_boundary(std::u32string_view text, std::size_t at) {
  const bool before = at > 0 && is_word_character(text[at - 1]);
  const bool after = at < text.size() && is_word_character(text[at]);
  return before != after;
}

bool has_at(std::u32string_view text, std::size_t at, std::u32string_view literal) {
  return at <= text.size() && text.substr(at).starts_with(literal);
}

std::u32string replace_word(const std::u32string& text, const WordRule& rule) {
  std::size_t found = text.find(rule.from);
  if (found == std::u32string::npos) return text;
  std::u32string out;
  std::size_t kept = 0;
  while (found != std::u32string::npos) {
    const std::size_t end = found + rule.from.size();
    const bool fits = is_word_boundary(text, end) && (!rule.at_word_start || is_word_boundary(text, found));
    if (fits) {
      out.append(text, kept, found - kept);
      out += rule.to;
      kept = end;
    }
    found = text.find(rule.from, fits ? end : found + 1);
  }
  out.append(text, kept);
  return out;
}

std::u32string remove_bracketed(std::u32string_view text) {
  return remove_spans(remove_spans(text, U"<[", U">]", 0), U"(", U")", 1);
}

std::u32string collapse_spaces(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  bool in_space = false;
  for (const char32_t c : text) {
    const bool space = is_space(c);
    if (!space) out += c;
    if (space && !in_space) out += U' ';
    in_space = space;
  }
  return out;
}

std::u32string join_apostrophes(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  std::size_t solid = 0;  // length of `out` without the whitespace at its end
  for (const char32_t c : text) {
    if (c == U'\'') out.resize(solid);
    out += c;
    if (!is_space(c)) solid = out.size();
  }
  return out;
}

std::vector<std::u32string> split_words(std::u32string_view text) {
  std::vector<std::u32string> words;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_space(text[i])) continue;
    const std::size_t begin = i;
    while (i < text.size() && !is_space(text[i])) ++i;
    words.emplace_back(text.substr(begin, i - begin));
  }
  return words;
}

std::u32string join_words(const std::vector<std::u32string>& words) {
  std::u32string out;
  for (const std::u32string& word : words) {
    if (!out.empty()) out += U' ';
    out += word;
  }
  return out;
}

}  // namespace amanuensis::pipeline
