#include "model/tokenizer/tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "model/tokenizer/bpe.h"
#include "model/tokenizer/pre_tokenizer.h"
#include "model/tokenizer/special_tokens.h"
#include "model/tokenizer/utf8.h"

namespace amanuensis::model {
namespace {

// Hundredths of a second between time tokens.
constexpr double kTimeStepS = 0.02;

// Checks what the rest of the tokenizer relies on; returns one more than the largest id.
std::size_t check_ids(const Vocabulary& vocabulary) {
  if (vocabulary.tokens.size() > static_cast<std::size_t>(kMaxTokenId) + 1) {
    throw Error(ErrorCode::kBadData, fmt::format("{}: {} tokens; more than {} cannot be right", vocabulary.source,
                                                 vocabulary.tokens.size(), kMaxTokenId + 1));
  }
  std::size_t size = vocabulary.tokens.size();
  std::unordered_map<TokenId, std::string_view> names;
  for (const auto& [name, id] : vocabulary.special) {
    if (id < 0 || id > kMaxTokenId) {
      throw Error(ErrorCode::kBadData, fmt::format("{}: special token '{}' has id {}, outside 0 to {}",
                                                   vocabulary.source, name, id, kMaxTokenId));
    }
    if (const auto [other, fresh] = names.emplace(id, name); !fresh) {
      throw Error(ErrorCode::kBadData, fmt::format("{}: special tokens '{}' and '{}' have the same id {}",
                                                   vocabulary.source, other->second, name, id));
    }
    size = std::max(size, static_cast<std::size_t>(id) + 1);
  }
  return size;
}

// A special token is never text, whatever its bytes may be in the file.
Vocabulary without_special_bytes(Vocabulary vocabulary) {
  for (const auto& [name, id] : vocabulary.special) {
    if (id >= 0 && static_cast<std::size_t>(id) < vocabulary.tokens.size()) vocabulary.tokens[id].clear();
  }
  return vocabulary;
}

}  // namespace

struct Tokenizer::State {
  Vocabulary vocabulary;
  std::size_t vocabulary_size;
  SpecialTokens special;
  std::vector<LanguageToken> languages;
  PreTokenizer pre_tokenizer;
  Bpe bpe;

  explicit State(Vocabulary v)
      : vocabulary(without_special_bytes(std::move(v))),
        vocabulary_size(check_ids(vocabulary)),
        special(find_special_tokens(vocabulary)),
        languages(find_language_tokens(vocabulary)),
        bpe(vocabulary) {}

  std::string_view bytes(TokenId id) const {
    return id >= 0 && static_cast<std::size_t>(id) < vocabulary.tokens.size() ? vocabulary.tokens[id]
                                                                              : std::string_view();
  }
};

Tokenizer::Tokenizer(Vocabulary vocabulary) : state_(std::make_unique<State>(std::move(vocabulary))) {}
Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

std::vector<TokenId> Tokenizer::encode(std::string_view text) const {
  std::vector<TokenId> tokens;
  Bpe::Scratch scratch;
  for (const std::string_view piece : state_->pre_tokenizer.split(text)) {
    state_->bpe.encode_piece(piece, scratch, tokens);
  }
  return tokens;
}

std::string Tokenizer::decode(std::span<const TokenId> tokens) const {
  std::string bytes;
  for (const TokenId id : tokens) bytes.append(state_->bytes(id));
  return bytes;
}

std::string Tokenizer::decode_text(std::span<const TokenId> tokens) const {
  return replace_malformed_utf8(decode(tokens));
}

std::string Tokenizer::decode_with_timestamps(std::span<const TokenId> tokens) const {
  std::string bytes;
  for (const TokenId id : tokens) {
    if (is_timestamp(id)) {
      bytes.append(fmt::format("<|{:.2f}|>", timestamp_s(id)));
    } else {
      bytes.append(state_->bytes(id));
    }
  }
  return replace_malformed_utf8(bytes);
}

const SpecialTokens& Tokenizer::special() const { return state_->special; }

const std::vector<LanguageToken>& Tokenizer::languages() const { return state_->languages; }

std::optional<TokenId> Tokenizer::language_token(std::string_view code) const {
  const auto found = std::ranges::find(state_->languages, code, &LanguageToken::code);
  return found == state_->languages.end() ? std::nullopt : std::optional(found->id);
}

std::size_t Tokenizer::vocabulary_size() const { return state_->vocabulary_size; }

bool Tokenizer::is_timestamp(TokenId id) const {
  return id >= state_->special.timestamp_begin && id < state_->special.timestamp_end;
}

double Tokenizer::timestamp_s(TokenId id) const { return kTimeStepS * (id - state_->special.timestamp_begin); }

std::vector<TokenId> Tokenizer::non_speech_tokens() const {
  constexpr std::string_view kSymbols[] = {"\"",  "#",  "(",  ")",   "*",   "+",   "/",   ":",  ";",   "<",  "=",  ">",
                                           "@",   "[",  "\\", "]",   "^",   "_",   "`",   "{",  "|",   "}",  "~",  "「",
                                           "」",  "『", "』", "<<",  ">>",  "<<<", ">>>", "--", "---", "-(", "-[", "('",
                                           "(\"", "((", "))", "(((", ")))", "[[",  "]]",  "{{", "}}",  "♪♪", "♪♪♪"};
  // Musical signs share their first two bytes, so that suppressing the first token of one that takes several is
  // harmless.
  constexpr std::string_view kMusic[] = {"♩", "♪", "♫", "♬", "♭", "♮", "♯"};

  std::set<TokenId> tokens;
  const auto add = [&](std::string_view symbol, bool first_of_several) {
    const std::string spaced = fmt::format(" {}", symbol);
    for (const std::string_view text : {symbol, std::string_view(spaced)}) {
      const std::vector<TokenId> ids = encode(text);
      if (ids.size() == 1 || first_of_several) tokens.insert(ids.front());
    }
  };
  // Hyphens and apostrophes are speech within a word, not at its beginning.
  tokens.insert(encode(" -").front());
  tokens.insert(encode(" '").front());
  for (const std::string_view symbol : kSymbols) add(symbol, false);
  for (const std::string_view symbol : kMusic) add(symbol, true);
  return {tokens.begin(), tokens.end()};
}

}  // namespace amanuensis::model
