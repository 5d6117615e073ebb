#include "pipeline/word_error_rate.h"

#include <cctype>

#include "pipeline/eval/word_alignment.h"

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
  WordErrors result;
  result.words = said.size();
  for (const Edit& edit : align_words(said, heard)) {
    switch (edit.kind) {
      case EditKind::kSubstitution:
        ++result.substitutions;
        result.edits.push_back({said[edit.reference], heard[edit.hypothesis]});
        break;
      case EditKind::kDeletion:
        ++result.deletions;
        result.edits.push_back({said[edit.reference], ""});
        break;
      case EditKind::kInsertion:
        ++result.insertions;
        result.edits.push_back({"", heard[edit.hypothesis]});
        break;
    }
  }
  return result;
}

}  // namespace amanuensis::pipeline
