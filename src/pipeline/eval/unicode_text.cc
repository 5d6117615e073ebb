#include "pipeline/eval/unicode_text.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

#include "model/tokenizer/utf8.h"
#include "pipeline/eval/unicode_tables.h"

namespace amanuensis::pipeline {
namespace {

constexpr char32_t kCapitalSigma = 0x3A3;
constexpr char32_t kFinalSigma = 0x3C2;

// Hangul syllables are composed by arithmetic (The Unicode Standard, section 3.12).
constexpr char32_t kSyllables = 0xAC00;
constexpr char32_t kLeads = 0x1100;
constexpr char32_t kVowels = 0x1161;
constexpr char32_t kTails = 0x11A7;  // one before the first
constexpr char32_t kLeadCount = 19;
constexpr char32_t kVowelCount = 21;
constexpr char32_t kTailCount = 28;
constexpr char32_t kSyllableCount = kLeadCount * kVowelCount * kTailCount;

bool contains(std::span<const CharacterRange> ranges, char32_t c) {
  const auto found = std::ranges::lower_bound(ranges, c, {}, &CharacterRange::last);
  return found != ranges.end() && found->first <= c;
}

std::uint8_t combining_class(char32_t c) {
  const auto ranges = unicode_tables().combining;
  const auto found = std::ranges::lower_bound(ranges, c, {}, &CombiningRange::last);
  return found != ranges.end() && found->first <= c ? found->combining_class : 0;
}

bool is_cased(char32_t c) { return contains(unicode_tables().cased, c); }
bool is_case_ignorable(char32_t c) { return contains(unicode_tables().case_ignorable, c); }

// A sigma with a cased character before it and none after it, whatever ignorable ones lie between.
bool is_final_sigma(std::u32string_view text, std::size_t at) {
  std::size_t before = at;
  while (before > 0 && is_case_ignorable(text[before - 1])) --before;
  if (before == 0 || !is_cased(text[before - 1])) return false;
  std::size_t after = at + 1;
  while (after < text.size() && is_case_ignorable(text[after])) ++after;
  return after == text.size() || !is_cased(text[after]);
}

void append_decomposed(char32_t c, std::u32string& out) {
  if (c >= kSyllables && c < kSyllables + kSyllableCount) {
    const char32_t index = c - kSyllables;
    out.push_back(kLeads + index / (kVowelCount * kTailCount));
    out.push_back(kVowels + index / kTailCount % kVowelCount);
    if (index % kTailCount != 0) out.push_back(kTails + index % kTailCount);
    return;
  }
  const UnicodeTables tables = unicode_tables();
  const auto found = std::ranges::lower_bound(tables.decompositions, c, {}, &Decomposition::from);
  if (found == tables.decompositions.end() || found->from != c) {
    out += c;
    return;
  }
  const auto parts = tables.decomposition_pool.subspan(found->begin, found->length);
  out.append(parts.begin(), parts.end());
}

// Marks that follow each other are put in the order of their classes.
void order_marks(std::u32string& text) {
  for (std::size_t i = 0; i < text.size();) {
    if (combining_class(text[i]) == 0) {
      ++i;
      continue;
    }
    std::size_t end = i + 1;
    while (end < text.size() && combining_class(text[end]) != 0) ++end;
    std::stable_sort(text.begin() + static_cast<std::ptrdiff_t>(i), text.begin() + static_cast<std::ptrdiff_t>(end),
                     [](char32_t a, char32_t b) { return combining_class(a) < combining_class(b); });
    i = end;
  }
}

std::optional<char32_t> joined(char32_t first, char32_t second) {
  if (first >= kLeads && first < kLeads + kLeadCount && second >= kVowels && second < kVowels + kVowelCount) {
    return kSyllables + ((first - kLeads) * kVowelCount + (second - kVowels)) * kTailCount;
  }
  const bool is_open_syllable =
      first >= kSyllables && first < kSyllables + kSyllableCount && (first - kSyllables) % kTailCount == 0;
  if (is_open_syllable && second > kTails && second < kTails + kTailCount) return first + (second - kTails);
  const auto pairs = unicode_tables().compositions;
  const auto found = std::ranges::lower_bound(
      pairs, std::pair(first, second), {}, [](const Composition& pair) { return std::pair(pair.first, pair.second); });
  if (found == pairs.end() || found->first != first || found->second != second) return std::nullopt;
  return found->joined;
}

// Joins each mark with the last starter, unless a mark of its class, or a starter, stands between them.
std::u32string compose(const std::u32string& text) {
  std::u32string out;
  std::optional<std::size_t> starter;
  int last_class = -1;  // of what has been kept behind the starter; -1: nothing
  for (const char32_t c : text) {
    const int mark = combining_class(c);
    if (starter && last_class < mark) {
      if (const auto one = joined(out[*starter], c)) {
        out[*starter] = *one;
        continue;
      }
    }
    if (mark == 0) {
      starter = out.size();
      last_class = -1;
    } else {
      last_class = mark;
    }
    out += c;
  }
  return out;
}

}  // namespace

std::u32string decode_utf8(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const model::Utf8Char next = model::read_utf8(text);
    out += next.status == model::Utf8Status::kValid ? next.code_point : char32_t{0xFFFD};
    text.remove_prefix(next.size_bytes);
  }
  return out;
}

std::string encode_utf8(std::u32string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char32_t c : text) model::append_utf8(c, out);
  return out;
}

std::u32string lower_case(std::u32string_view text) {
  const auto pairs = unicode_tables().lower;
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char32_t c = text[i];
    if (c == kCapitalSigma && is_final_sigma(text, i)) {
      out += kFinalSigma;
      continue;
    }
    const auto found = std::ranges::lower_bound(pairs, c, {}, &CharacterPair::from);
    out += found != pairs.end() && found->from == c ? found->to : c;
    if (c == 0x130) out += char32_t{0x307};  // a capital I with a dot is the one that becomes two
  }
  return out;
}

std::u32string decompose(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (const char32_t c : text) append_decomposed(c, out);
  order_marks(out);
  return out;
}

std::u32string decompose_and_compose(std::u32string_view text) { return compose(decompose(text)); }

bool is_space(char32_t c) { return contains(unicode_tables().spaces, c); }

bool is_word_character(char32_t c) { return contains(unicode_tables().word_characters, c); }

std::optional<int> digit_value(char32_t c) {
  const auto zeros = unicode_tables().digit_zeros;
  const auto after = std::ranges::upper_bound(zeros, c);
  if (after == zeros.begin() || c - *(after - 1) > 9) return std::nullopt;
  return static_cast<int>(c - *(after - 1));
}

bool is_nonspacing_mark(char32_t c) { return contains(unicode_tables().nonspacing_marks, c); }

bool is_mark_symbol_or_punctuation(char32_t c) { return contains(unicode_tables().mark_symbol_punctuation, c); }

}  // namespace amanuensis::pipeline
