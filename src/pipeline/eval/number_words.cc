#include "pipeline/eval/number_words.h"

#include <algorithm>
#include <functional>
#include <map>

#include "pipeline/eval/unicode_text.h"

namespace amanuensis::pipeline {
namespace {

using WordMap = std::map<std::u32string, NumberWord, std::less<>>;

constexpr std::u32string_view kOnes[] = {U"one",     U"two",       U"three",    U"four",     U"five",
                                         U"six",     U"seven",     U"eight",    U"nine",     U"ten",
                                         U"eleven",  U"twelve",    U"thirteen", U"fourteen", U"fifteen",
                                         U"sixteen", U"seventeen", U"eighteen", U"nineteen"};
constexpr std::u32string_view kTens[] = {U"twent", U"thirt", U"fort", U"fift", U"sixt", U"sevent", U"eight", U"ninet"};
constexpr std::u32string_view kThousands[] = {U"thousand",    U"million",     U"billion",    U"trillion",
                                              U"quadrillion", U"quintillion", U"sextillion", U"septillion",
                                              U"octillion",   U"nonillion",   U"decillion"};

void add_ones(WordMap& words) {
  // Ordinals that are no cardinal with an ending.
  constexpr std::size_t kIrregular[] = {1, 2, 3, 5, 12};
  for (std::size_t value = 1; value <= std::size(kOnes); ++value) {
    const std::u32string name(kOnes[value - 1]);
    words[name] = {NumberPart::kOnes, value};
    words[name == U"six" ? U"sixes" : name + U"s"] = {NumberPart::kOnesWithEnding, value, U"s"};
    if (std::ranges::find(kIrregular, value) != std::end(kIrregular)) continue;
    // Thus "nineth" is known and "ninth" is not: Whisper's normalizer has it so.
    words[name + (name.back() == U't' ? U"h" : U"th")] = {NumberPart::kOnesWithEnding, value, U"th"};
  }
  words[U"zeroth"] = {NumberPart::kOnesWithEnding, 0, U"th"};
  words[U"first"] = {NumberPart::kOnesWithEnding, 1, U"st"};
  words[U"second"] = {NumberPart::kOnesWithEnding, 2, U"nd"};
  words[U"third"] = {NumberPart::kOnesWithEnding, 3, U"rd"};
  words[U"fifth"] = {NumberPart::kOnesWithEnding, 5, U"th"};
  words[U"twelfth"] = {NumberPart::kOnesWithEnding, 12, U"th"};
}

void add_tens_and_multipliers(WordMap& words) {
  for (std::size_t i = 0; i < std::size(kTens); ++i) {
    const std::u32string stem(kTens[i]);
    const std::size_t value = 20 + 10 * i;
    words[stem + U"y"] = {NumberPart::kTens, value};
    words[stem + U"ies"] = {NumberPart::kTensWithEnding, value, U"s"};
    words[stem + U"ieth"] = {NumberPart::kTensWithEnding, value, U"th"};
  }
  const auto add = [&](const std::u32string& name, std::size_t zeros) {
    words[name] = {NumberPart::kMultiplier, zeros};
    words[name + U"s"] = {NumberPart::kMultiplierWithEnding, zeros, U"s"};
    words[name + U"th"] = {NumberPart::kMultiplierWithEnding, zeros, U"th"};
  };
  add(U"hundred", 2);
  for (std::size_t i = 0; i < std::size(kThousands); ++i) add(std::u32string(kThousands[i]), 3 * (i + 1));
}

WordMap make_words() {
  WordMap words;
  for (const char32_t* zero : {U"o", U"oh", U"zero"}) words[zero] = {NumberPart::kZero};
  add_ones(words);
  add_tens_and_multipliers(words);
  words[U"minus"] = words[U"negative"] = {NumberPart::kSignBefore, 0, U"-"};
  words[U"plus"] = words[U"positive"] = {NumberPart::kSignBefore, 0, U"+"};
  words[U"pound"] = words[U"pounds"] = {NumberPart::kSignAfter, 0, U"\u00A3"};
  words[U"euro"] = words[U"euros"] = {NumberPart::kSignAfter, 0, U"\u20AC"};
  words[U"dollar"] = words[U"dollars"] = {NumberPart::kSignAfter, 0, U"$"};
  words[U"cent"] = words[U"cents"] = {NumberPart::kSignAfter, 0, U"\u00A2"};
  words[U"per"] = words[U"percent"] = {NumberPart::kPercent, 0, U"%"};
  for (const char32_t* special : {U"and", U"double", U"triple", U"point"}) words[special] = {NumberPart::kSpecial};
  return words;
}

std::u32string without_leading_zeros(std::u32string_view digits) {
  digits.remove_prefix(std::min(digits.find_first_not_of(U'0'), digits.size()));
  return digits.empty() ? U"0" : std::u32string(digits);
}

}  // namespace

const NumberWord* find_number_word(std::u32string_view word) {
  static const WordMap words = make_words();
  const auto found = words.find(word);
  return found == words.end() ? nullptr : &found->second;
}

bool is_number_part(std::u32string_view word, NumberPart part) {
  const NumberWord* found = find_number_word(word);
  return found != nullptr && found->part == part;
}

bool is_figure(std::u32string_view word) {
  const auto is_digit = [](char32_t c) { return digit_value(c).has_value(); };
  const std::size_t point = std::min(word.find(U'.'), word.size());
  const std::u32string_view whole = word.substr(0, point);
  if (whole.empty() || !std::ranges::all_of(whole, is_digit)) return false;
  return point == word.size() || (point + 1 < word.size() && std::ranges::all_of(word.substr(point + 1), is_digit));
}

std::optional<std::u32string> scaled(std::u32string_view numeral, std::size_t zeros) {
  std::u32string digits;
  std::optional<std::size_t> point;
  for (const char32_t c : numeral) {
    if (const auto digit = digit_value(c)) {
      digits += U'0' + static_cast<char32_t>(*digit);
    } else if (c == U'.' && !point) {
      point = digits.size();
    } else {
      return std::nullopt;
    }
  }
  if (digits.empty()) return std::nullopt;
  const std::size_t whole = point.value_or(digits.size());
  std::size_t decimals = digits.size() - whole;
  while (decimals > zeros && digits.back() == U'0') {
    digits.pop_back();
    --decimals;
  }
  if (decimals > zeros) return std::nullopt;
  return without_leading_zeros(digits + std::u32string(zeros - decimals, U'0'));
}

std::u32string sum_of(std::u32string_view a, std::u32string_view b) {
  std::u32string backwards;
  char32_t carry = 0;
  for (std::size_t i = 0; i < std::max(a.size(), b.size()) || carry > 0; ++i) {
    char32_t digit = carry;
    if (i < a.size()) digit += a[a.size() - 1 - i] - U'0';
    if (i < b.size()) digit += b[b.size() - 1 - i] - U'0';
    backwards += U'0' + digit % 10;
    carry = digit / 10;
  }
  std::ranges::reverse(backwards);
  return without_leading_zeros(backwards);
}

std::u32string digits_of(std::size_t number) {
  std::u32string digits;
  for (const char c : std::to_string(number)) digits += static_cast<char32_t>(c);
  return digits;
}

}  // namespace amanuensis::pipeline
