#include "pipeline/eval/text_normalizer.h"

#include <algorithm>
#include <array>

#include "pipeline/eval/english_numbers.h"
#include "pipeline/eval/english_spellings.h"
#include "pipeline/eval/text_rewriting.h"
#include "pipeline/eval/unicode_text.h"

namespace amanuensis::pipeline {
namespace {

struct Letter {
  char32_t from;
  std::u32string_view to;
};

// Letters that have no decomposition but are written with others in English.
constexpr Letter kLetters[] = {
    {U'\u0153', U"oe"}, {U'\u0152', U"OE"}, {U'\u00F8', U"o"},  {U'\u00D8', U"O"},
    {U'\u00E6', U"ae"}, {U'\u00C6', U"AE"}, {U'\u00DF', U"ss"}, {U'\u1E9E', U"SS"},
    {U'\u0111', U"d"},  {U'\u0110', U"D"},  {U'\u00F0', U"d"},  {U'\u00D0', U"D"},
    {U'\u00FE', U"th"}, {U'\u00DE', U"th"}, {U'\u0142', U"l"},  {U'\u0141', U"L"},
};

// Sounds that are no words.
constexpr std::array<std::u32string_view, 6> kHesitations{U"hmm", U"mm", U"mhm", U"mmm", U"uh", U"um"};

// In this order: an earlier rule may leave nothing for a later one.
constexpr WordRule kContractions[] = {
    {U"won't", U"will not"},
    {U"can't", U"can not"},
    {U"let's", U"let us"},
    {U"ain't", U"aint"},
    {U"y'all", U"you all"},
    {U"wanna", U"want to"},
    {U"gotta", U"got to"},
    {U"gonna", U"going to"},
    {U"i'ma", U"i am going to"},
    {U"imma", U"i am going to"},
    {U"woulda", U"would have"},
    {U"coulda", U"could have"},
    {U"shoulda", U"should have"},
    {U"ma'am", U"madam"},
    {U"mr", U"mister "},
    {U"mrs", U"missus "},
    {U"st", U"saint "},
    {U"dr", U"doctor "},
    {U"prof", U"professor "},
    {U"capt", U"captain "},
    {U"gov", U"governor "},
    {U"ald", U"alderman "},
    {U"gen", U"general "},
    {U"sen", U"senator "},
    {U"rep", U"representative "},
    {U"pres", U"president "},
    {U"rev", U"reverend "},
    {U"hon", U"honorable "},
    {U"asst", U"assistant "},
    {U"assoc", U"associate "},
    {U"lt", U"lieutenant "},
    {U"col", U"colonel "},
    {U"jr", U"junior "},
    {U"sr", U"senior "},
    {U"esq", U"esquire "},
    {U"'d been", U" had been", false},
    {U"'s been", U" has been", false},
    {U"'d gone", U" had gone", false},
    {U"'s gone", U" has gone", false},
    {U"'d done", U" had done", false},
    {U"'s got", U" has got", false},
    {U"n't", U" not", false},
    {U"'re", U" are", false},
    {U"'s", U" is", false},
    {U"'d", U" would", false},
    {U"'ll", U" will", false},
    {U"'t", U" not", false},
    {U"'ve", U" have", false},
    {U"'m", U" am", false},
};

std::u32string remove_hesitations(const std::u32string& text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto fits = [&](std::u32string_view sound) {
      return has_at(text, i, sound) && is_word_boundary(text, i) && is_word_boundary(text, i + sound.size());
    };
    const auto* found = std::ranges::find_if(kHesitations, fits);
    if (found != kHesitations.end()) {
      i += found->size();
    } else {
      out += text[i++];
    }
  }
  return out;
}

// (\d),(\d) -> \1\2: of "1,2,3" only the first comma goes, because the 2 has then been taken.
std::u32string remove_commas_between_digits(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    out += text[i];
    const bool joins = i + 2 < text.size() && text[i + 1] == U',' && digit_value(text[i]) && digit_value(text[i + 2]);
    if (joins) out += text[i + 2];
    i += joins ? 3 : 1;
  }
  return out;
}

// \.([^0-9]|$) -> " \1"
std::u32string remove_full_stops(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != U'.' || (i + 1 < text.size() && is_ascii_digit(text[i + 1]))) {
      out += text[i];
      continue;
    }
    out += U' ';
    if (++i < text.size()) out += text[i];
  }
  return out;
}

std::u32string remove_symbols_and_diacritics(std::u32string_view text, std::u32string_view keep) {
  std::u32string out;
  for (const char32_t c : decompose(text)) {
    const auto* letter = std::ranges::find(kLetters, c, &Letter::from);
    if (keep.find(c) != std::u32string_view::npos) {
      out += c;
    } else if (letter != std::ranges::end(kLetters)) {
      out += letter->to;
    } else if (!is_nonspacing_mark(c)) {
      out += is_mark_symbol_or_punctuation(c) ? U' ' : c;
    }
  }
  return out;
}

std::u32string remove_symbols(std::u32string_view text) {
  std::u32string out = decompose_and_compose(text);
  std::ranges::replace_if(out, is_mark_symbol_or_punctuation, U' ');
  return out;
}

std::u32string respell(std::u32string_view text) {
  std::vector<std::u32string> words = split_words(text);
  for (std::u32string& word : words) {
    const std::string given = encode_utf8(word);
    const std::string_view american = american_spelling(given);
    if (american != given) word = decode_utf8(american);
  }
  return join_words(words);
}

// [.$¢€£]([^0-9]) -> " \1", then ([^0-9])% -> "\1 ": signs that belong to no number.
std::u32string remove_stray_signs(std::u32string_view text) {
  constexpr std::u32string_view kBefore = U".$\u00A2\u20AC\u00A3";
  std::u32string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool stray =
        kBefore.find(text[i]) != std::u32string_view::npos && i + 1 < text.size() && !is_ascii_digit(text[i + 1]);
    out += stray ? U' ' : text[i];
    if (stray) out += text[++i];
  }
  for (std::size_t i = 0; i + 1 < out.size(); ++i) {
    if (is_ascii_digit(out[i]) || out[i + 1] != U'%') continue;
    out[++i] = U' ';
  }
  return out;
}

}  // namespace

std::string_view to_string(Normalizer normalizer) {
  switch (normalizer) {
    case Normalizer::kEnglish:
      return "english";
    case Normalizer::kBasic:
      return "basic";
    case Normalizer::kNone:
      return "none";
  }
  return "unknown";
}

std::optional<Normalizer> normalizer_named(std::string_view name) {
  for (const Normalizer each : {Normalizer::kEnglish, Normalizer::kBasic, Normalizer::kNone}) {
    if (name == to_string(each)) return each;
  }
  return std::nullopt;
}

std::string normalize_english(std::string_view text) {
  std::u32string s = remove_bracketed(lower_case(decode_utf8(text)));
  s = join_apostrophes(remove_hesitations(s));
  for (const WordRule& rule : kContractions) s = replace_word(s, rule);
  s = remove_full_stops(remove_commas_between_digits(s));
  s = remove_symbols_and_diacritics(s, U".%$\u00A2\u20AC\u00A3");
  s = respell(normalize_numbers(s));
  return encode_utf8(collapse_spaces(remove_stray_signs(s)));
}

std::string normalize_basic(std::string_view text) {
  const std::u32string kept = remove_bracketed(lower_case(decode_utf8(text)));
  return encode_utf8(collapse_spaces(lower_case(remove_symbols(kept))));
}

std::string normalize(Normalizer normalizer, std::string_view text) {
  switch (normalizer) {
    case Normalizer::kEnglish:
      return normalize_english(text);
    case Normalizer::kBasic:
      return normalize_basic(text);
    case Normalizer::kNone:
      break;
  }
  return encode_utf8(decode_utf8(text));
}

}  // namespace amanuensis::pipeline
