#include "pipeline/live/agreement.h"

#include <algorithm>
#include <cctype>

#include "pipeline/word_error_rate.h"

namespace amanuensis::pipeline {
namespace {

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

bool is_ascii_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x80 && (std::isalnum(byte) != 0 || c == '\'');
}

// Whether a word may end before byte `at`.
bool ends_word(std::string_view text, std::size_t at) {
  if (at == 0 || at == text.size()) return true;
  if (continues_character(text[at])) return false;
  return !is_ascii_word(text[at - 1]) || !is_ascii_word(text[at]);
}

}  // namespace

std::size_t agreed_bytes(std::string_view text, std::string_view other) {
  const auto [at, unused] = std::ranges::mismatch(text, other);
  auto agreed = static_cast<std::size_t>(at - text.begin());
  while (!ends_word(text, agreed) || (agreed < other.size() && !ends_word(other, agreed))) --agreed;
  return agreed;
}

bool begins_with_words(std::string_view other, std::string_view text) {
  const std::vector<std::string> wanted = words_of(text);
  const std::vector<std::string> said = words_of(other);
  return wanted.size() <= said.size() && std::equal(wanted.begin(), wanted.end(), said.begin());
}

}  // namespace amanuensis::pipeline
