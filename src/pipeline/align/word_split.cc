#include "pipeline/align/word_split.h"

#include <algorithm>
#include <array>
#include <utility>

#include "decoding/text_measure.h"
#include "model/tokenizer/utf8.h"

namespace amanuensis::pipeline {
namespace {

constexpr std::array<std::string_view, 6> kWithoutSpaces = {"zh", "ja", "th", "lo", "my", "yue"};
constexpr std::string_view kAsciiPunctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
constexpr std::string_view kEndOfText = "<|endoftext|>";
constexpr char32_t kReplacement = 0xFFFD;

std::u32string characters_of(const std::string& text) {
  std::u32string characters;
  std::string_view rest = text;
  while (!rest.empty()) {
    const model::Utf8Char c = model::read_utf8(rest);
    characters.push_back(c.code_point);
    rest.remove_prefix(c.size_bytes);
  }
  return characters;
}

// A word of the reference: it takes the end of text for one more token.
struct Piece {
  std::string text;
  std::size_t tokens = 0;
  bool is_end = false;  // begins with the end of text
};

class Splitter {
 public:
  Splitter(std::span<const model::TokenId> tokens, const model::Tokenizer& tokenizer)
      : tokens_(tokens), tokenizer_(tokenizer) {}

  // Ends a piece wherever the tokens so far are whole characters. One that stays malformed ends where the whole text
  // has the same replacement character.
  std::vector<Piece> at_characters() const {
    const std::u32string whole = characters_of(text_of(0, tokens_.size() + 1));
    std::vector<Piece> pieces;
    std::size_t begin = 0;
    std::size_t offset = 0;
    for (std::size_t end = 1; end <= tokens_.size() + 1; ++end) {
      std::string text = text_of(begin, end);
      const std::u32string characters = characters_of(text);
      const std::size_t malformed = characters.find(kReplacement);
      if (malformed != std::u32string::npos) {
        const std::size_t at = offset + malformed;
        if (at < whole.size() && whole[at] != kReplacement) continue;
      }
      pieces.push_back({std::move(text), end - begin, begin == tokens_.size()});
      offset += characters.size();
      begin = end;
    }
    return pieces;
  }

  std::vector<Piece> at_spaces() const {
    std::vector<Piece> words;
    for (Piece& piece : at_characters()) {
      const bool punctuation = kAsciiPunctuation.find(decoding::strip_text(piece.text)) != std::string_view::npos;
      if (piece.is_end || piece.text.starts_with(' ') || punctuation || words.empty()) {
        words.push_back(std::move(piece));
      } else {
        words.back().text += piece.text;
        words.back().tokens += piece.tokens;
      }
    }
    return words;
  }

 private:
  // Of tokens [begin, end); token tokens_.size() is the end of text.
  std::string text_of(std::size_t begin, std::size_t end) const {
    std::string bytes = tokenizer_.decode(tokens_.subspan(begin, std::min(end, tokens_.size()) - begin));
    if (end > tokens_.size()) bytes += kEndOfText;
    return model::replace_malformed_utf8(bytes);
  }

  std::span<const model::TokenId> tokens_;
  const model::Tokenizer& tokenizer_;
};

}  // namespace

std::vector<TokenWord> split_words(std::span<const model::TokenId> text_tokens, const model::Tokenizer& tokenizer,
                                   std::string_view language) {
  const Splitter splitter(text_tokens, tokenizer);
  const bool without_spaces = std::ranges::find(kWithoutSpaces, language) != kWithoutSpaces.end();
  std::vector<Piece> pieces = without_spaces ? splitter.at_characters() : splitter.at_spaces();
  if (!pieces.empty()) pieces.pop_back();
  std::vector<TokenWord> words;
  words.reserve(pieces.size());
  for (Piece& piece : pieces) words.push_back({std::move(piece.text), piece.tokens});
  return words;
}

}  // namespace amanuensis::pipeline
