#include "pipeline/word_error_rate.h"

#include <algorithm>
#include <cctype>
#include <cstdint>

namespace amanuensis::pipeline {
namespace {

bool is_word_byte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || std::isalnum(byte) != 0;
}

// The punctuation of UTF-8's U+2010..U+205F ("’", "…", "–") and U+3000..U+303F: three bytes each.
bool is_wide_punctuation(std::string_view rest) {
  if (rest.size() < 3) return false;
  const auto first = static_cast<unsigned char>(rest[0]);
  const auto second = static_cast<unsigned char>(rest[1]);
  return (first == 0xE2 && (second == 0x80 || second == 0x81)) || (first == 0xE3 && second == 0x80);
}

bool is_curly_apostrophe(std::string_view rest) { return rest.starts_with("\xE2\x80\x99"); }

}  // namespace

double WordErrors::rate() const {
  if (words == 0) return errors() == 0 ? 0.0 : 1.0;
  return static_cast<double>(errors()) / static_cast<double>(words);
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  const auto end_word = [&] {
    while (word.ends_with('\'')) word.pop_back();
    if (!word.empty()) words.push_back(word);
    word.clear();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = text.substr(i);
    if (rest.front() == '\'' || is_curly_apostrophe(rest)) {
      if (!word.empty()) word += '\'';
      if (rest.front() != '\'') i += 2;
    } else if (is_wide_punctuation(rest)) {
      end_word();
      i += 2;
    } else if (is_word_byte(rest.front())) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(rest.front())));
    } else {
      end_word();
    }
  }
  end_word();
  return words;
}

WordErrors count_word_errors(std::string_view reference, std::string_view transcript) {
  const std::vector<std::string> said = words_of(reference);
  const std::vector<std::string> heard = words_of(transcript);
  const std::size_t stride = heard.size() + 1;
  // cost[i * stride + j]: the fewest edits between the first i words said and the first j heard.
  std::vector<std::uint32_t> cost((said.size() + 1) * stride);
  const auto at = [&](std::size_t i, std::size_t j) -> std::uint32_t& { return cost[i * stride + j]; };
  for (std::size_t i = 0; i <= said.size(); ++i) at(i, 0) = static_cast<std::uint32_t>(i);
  for (std::size_t j = 0; j <= heard.size(); ++j) at(0, j) = static_cast<std::uint32_t>(j);
  for (std::size_t i = 1; i <= said.size(); ++i) {
    for (std::size_t j = 1; j <= heard.size(); ++j) {
      const std::uint32_t replaced = at(i - 1, j - 1) + (said[i - 1] == heard[j - 1] ? 0U : 1U);
      at(i, j) = std::min({replaced, at(i - 1, j) + 1, at(i, j - 1) + 1});
    }
  }

  WordErrors result;
  result.words = said.size();
  std::size_t i = said.size();
  std::size_t j = heard.size();
  while (i > 0 || j > 0) {
    if (i > 0 && j > 0 && said[i - 1] == heard[j - 1] && at(i, j) == at(i - 1, j - 1)) {
      --i;
      --j;
    } else if (i > 0 && j > 0 && at(i, j) == at(i - 1, j - 1) + 1) {
      ++result.substitutions;
      result.edits.push_back({said[--i], heard[--j]});
    } else if (i > 0 && at(i, j) == at(i - 1, j) + 1) {
      ++result.deletions;
      result.edits.push_back({said[--i], ""});
    } else {
      ++result.insertions;
      result.edits.push_back({"", heard[--j]});
    }
  }
  std::reverse(result.edits.begin(), result.edits.end());
  return result;
}

}  // namespace amanuensis::pipeline
