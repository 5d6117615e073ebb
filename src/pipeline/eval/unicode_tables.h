// Facts about characters as arrays, generated (tools/generate_text_tables.py); read through unicode_text.h. Constants
// of the program, sorted by code point; may be read from any thread.
#pragma once

#include <cstdint>
#include <span>

namespace amanuensis::pipeline {

// Both ends belong to it.
struct CharacterRange {
  char32_t first;
  char32_t last;
};

struct CharacterPair {
  char32_t from;
  char32_t to;
};

struct CombiningRange {
  char32_t first;
  char32_t last;
  std::uint8_t combining_class;
};

// The full compatibility decomposition of a character: `length` code points of the pool.
struct Decomposition {
  char32_t from;
  std::uint16_t begin;
  std::uint16_t length;
};

struct Composition {
  char32_t first;
  char32_t second;
  char32_t joined;
};

struct UnicodeTables {
  std::span<const CharacterRange> mark_symbol_punctuation;  // categories M*, S*, P*
  std::span<const CharacterRange> nonspacing_marks;         // category Mn
  std::span<const CharacterRange> word_characters;          // Python's \w
  std::span<const CharacterRange> spaces;                   // Python's \s
  std::span<const CharacterRange> cased;                    // and not case-ignorable
  std::span<const CharacterRange> case_ignorable;
  std::span<const char32_t> digit_zeros;  // each begins ten decimal digits
  std::span<const CharacterPair> lower;   // one character each
  std::span<const CombiningRange> combining;
  std::span<const Decomposition> decompositions;
  std::span<const char32_t> decomposition_pool;
  std::span<const Composition> compositions;
};

UnicodeTables unicode_tables();

}  // namespace amanuensis::pipeline
