// What each English word says in a number, as Whisper's normalizer sees it, and arithmetic on whole numbers of any
// length kept as decimal digits. Pure functions; may be called from any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace amanuensis::pipeline {

enum class NumberPart {
  kZero,            // "zero", "oh"
  kOnes,            // "one" to "nineteen"
  kOnesWithEnding,  // "first", "ones"
  kTens,            // "twenty"
  kTensWithEnding,  // "twentieth", "twenties"
  kMultiplier,      // "hundred": `value` is how many zeros it adds
  kMultiplierWithEnding,
  kSignBefore,  // "minus": `text` is the sign
  kSignAfter,   // "dollars"
  kPercent,     // "percent", "per" (cent)
  kSpecial,     // "and", "double", "triple", "point"
};

struct NumberWord {
  NumberPart part;
  std::size_t value = 0;
  std::u32string text = {};
};

// Nothing for a word that says nothing in a number.
const NumberWord* find_number_word(std::u32string_view word);
bool is_number_part(std::u32string_view word, NumberPart part);

// \d+(\.\d+)? and nothing else.
bool is_figure(std::u32string_view word);

// A decimal numeral ("12", "1.5", ".5", "7.") times 10^zeros when that is whole, as digits without leading zeros.
std::optional<std::u32string> scaled(std::u32string_view numeral, std::size_t zeros);

// Of two whole numbers in digits without leading zeros.
std::u32string sum_of(std::u32string_view a, std::u32string_view b);

std::u32string digits_of(std::size_t number);

}  // namespace amanuensis::pipeline
