#define PCRE2_CODE_UNIT_WIDTH 8
#include "model/tokenizer/pre_tokenizer.h"

#include <fmt/format.h>
#include <pcre2.h>

#include "base/error.h"
#include "model/tokenizer/utf8.h"

namespace amanuensis::model {
namespace {

// Unicode's White_Space, spelled out: PCRE2's own \s also takes U+180E, which the reference tokenizers do not.
#define AMANUENSIS_SPACE \
  R"(\x{9}-\x{d}\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})"

// The order of the alternatives matters. Possessive where no shorter match could succeed. The last two: of a run of
// spaces before a word, all but the last are one piece, and the last goes with the word.
constexpr std::string_view kPattern =
    R"('(?:s|t|re|ve|m|ll|d))"
    R"(| ?\p{L}++| ?\p{N}++)"
    R"(| ?[^)" AMANUENSIS_SPACE R"(\p{L}\p{N}]++)"
    R"(|[)" AMANUENSIS_SPACE R"(]+(?![^)" AMANUENSIS_SPACE R"(])|[)" AMANUENSIS_SPACE R"(]++)";
#undef AMANUENSIS_SPACE

struct FreeMatchData {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};

std::string message_of(int code) {
  PCRE2_UCHAR text[256];
  pcre2_get_error_message(code, text, sizeof(text));
  return reinterpret_cast<const char*>(text);
}

// Bytes at the start of `text` that are valid UTF-8.
std::size_t valid_prefix(std::string_view text) {
  std::size_t size = 0;
  while (size < text.size()) {
    const Utf8Char c = read_utf8(text.substr(size));
    if (c.status != Utf8Status::kValid) break;
    size += c.size_bytes;
  }
  return size;
}

}  // namespace

struct PreTokenizer::Pattern {
  pcre2_code* code = nullptr;

  Pattern() {
    int error = 0;
    PCRE2_SIZE at = 0;
    code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(kPattern.data()), kPattern.size(),
                         PCRE2_UTF | PCRE2_UCP | PCRE2_ANCHORED, &error, &at, nullptr);
    if (code == nullptr) {
      throw Error(
          ErrorCode::kInternal,
          fmt::format("tokenizer: PCRE2 does not accept the pre-tokenizer pattern at {}: {}; is libpcre2-8 built "
                      "with Unicode support?",
                      at, message_of(error)));
    }
    // Where the system forbids generated code this fails, and matching interprets the pattern instead: same pieces,
    // slower.
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
  }
  ~Pattern() { pcre2_code_free(code); }
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  void split_valid(std::string_view text, pcre2_match_data* match, std::vector<std::string_view>& pieces) const {
    const PCRE2_SIZE* span = pcre2_get_ovector_pointer(match);
    for (std::size_t at = 0; at < text.size();) {
      const int found = pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), at,
                                    PCRE2_NO_UTF_CHECK, match, nullptr);
      if (found < 0 || span[1] <= at) {
        throw Error(ErrorCode::kInternal, fmt::format("tokenizer: the pre-tokenizer pattern stops at byte {} of {}: {}",
                                                      at, text.size(), found < 0 ? message_of(found) : "empty match"));
      }
      pieces.push_back(text.substr(at, span[1] - at));
      at = span[1];
    }
  }
};

PreTokenizer::PreTokenizer() : pattern_(std::make_unique<Pattern>()) {}
PreTokenizer::~PreTokenizer() = default;
PreTokenizer::PreTokenizer(PreTokenizer&&) noexcept = default;
PreTokenizer& PreTokenizer::operator=(PreTokenizer&&) noexcept = default;

std::vector<std::string_view> PreTokenizer::split(std::string_view text) const {
  const std::unique_ptr<pcre2_match_data, FreeMatchData> match(pcre2_match_data_create(1, nullptr));
  if (!match) throw std::bad_alloc();
  std::vector<std::string_view> pieces;
  pieces.reserve(text.size() / 4 + 1);
  while (!text.empty()) {
    const std::size_t valid = valid_prefix(text);
    if (valid > 0) pattern_->split_valid(text.substr(0, valid), match.get(), pieces);
    text.remove_prefix(valid);
    if (text.empty()) break;
    pieces.push_back(text.substr(0, 1));
    text.remove_prefix(1);
  }
  return pieces;
}

}  // namespace amanuensis::model
