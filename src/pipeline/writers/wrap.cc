#include "pipeline/writers/wrap.h"

#include <algorithm>
#include <iterator>

#include "model/tokenizer/utf8.h"
#include "pipeline/writers/python_text.h"

namespace amanuensis::pipeline {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// Blocks of scripts without spaces between words, and the wide punctuation used with them.
constexpr Range kUnspaced[] = {{0x0E00, 0x0EFF}, {0x1000, 0x109F},  {0x1780, 0x17FF}, {0x3000, 0x30FF},
                               {0x31F0, 0x31FF}, {0x3400, 0x4DBF},  {0x4E00, 0x9FFF}, {0xF900, 0xFAFF},
                               {0xFF00, 0xFFEF}, {0x20000, 0x3FFFF}};

// What no line may begin with there: vowel signs and tone marks that follow their letter, closing punctuation, small
// kana.
constexpr Range kNotFirst[] = {
    {0x0E30, 0x0E3A}, {0x0E45, 0x0E4E}, {0x0EB0, 0x0EBC}, {0x0EC6, 0x0ECD}, {0x102B, 0x103E}, {0x104A, 0x104B},
    {0x1056, 0x1059}, {0x105E, 0x1060}, {0x17B4, 0x17D6}, {0x3001, 0x3002}, {0x3005, 0x3005}, {0x3009, 0x3009},
    {0x300B, 0x300B}, {0x300D, 0x300D}, {0x300F, 0x300F}, {0x3011, 0x3011}, {0x3015, 0x3015}, {0x3099, 0x309E},
    {0x3041, 0x3041}, {0x3043, 0x3043}, {0x3045, 0x3045}, {0x3047, 0x3047}, {0x3049, 0x3049}, {0x3063, 0x3063},
    {0x3083, 0x3083}, {0x3085, 0x3085}, {0x3087, 0x3087}, {0x30A1, 0x30A1}, {0x30A3, 0x30A3}, {0x30A5, 0x30A5},
    {0x30A7, 0x30A7}, {0x30A9, 0x30A9}, {0x30C3, 0x30C3}, {0x30E3, 0x30E3}, {0x30E5, 0x30E5}, {0x30E7, 0x30E7},
    {0x30FB, 0x30FE}, {0xFF01, 0xFF01}, {0xFF09, 0xFF09}, {0xFF0C, 0xFF0C}, {0xFF0E, 0xFF0E}, {0xFF1A, 0xFF1B},
    {0xFF1F, 0xFF1F}, {0xFF3D, 0xFF3D}, {0xFF5D, 0xFF5D}, {0xFF61, 0xFF61}, {0xFF63, 0xFF65}};

// What no line may end with: opening brackets, and Thai and Lao vowels written before their letter.
constexpr Range kNotLast[] = {{0x0E40, 0x0E44}, {0x0EC0, 0x0EC4}, {0x3008, 0x3008}, {0x300A, 0x300A},
                              {0x300C, 0x300C}, {0x300E, 0x300E}, {0x3010, 0x3010}, {0x3014, 0x3014},
                              {0xFF08, 0xFF08}, {0xFF3B, 0xFF3B}, {0xFF5B, 0xFF5B}, {0xFF62, 0xFF62}};

template <std::size_t kSize>
bool in(const Range (&ranges)[kSize], char32_t c) {
  return std::any_of(std::begin(ranges), std::end(ranges), [c](Range r) { return c >= r.first && c <= r.last; });
}

// Both sides must be of such a script, so that a Latin word within Chinese text stays whole with its punctuation.
bool may_break_between(char32_t before, char32_t after) {
  return in(kUnspaced, before) && in(kUnspaced, after) && !in(kNotLast, before) && !in(kNotFirst, after);
}

// A part of the text that stays on one line.
struct Unit {
  std::string_view text;
  std::size_t characters = 0;
  bool after_space = false;
};

std::vector<Unit> split_units(std::string_view text) {
  std::vector<Unit> units;
  bool after_space = false;
  bool open = false;  // the last unit goes on
  char32_t before = 0;
  for (std::size_t at = 0; at < text.size();) {
    const model::Utf8Char c = model::read_utf8(text.substr(at));
    if (is_python_space(c.code_point)) {
      after_space = true;
      open = false;
    } else {
      if (!open || may_break_between(before, c.code_point)) {
        units.push_back({text.substr(at, 0), 0, after_space});
        after_space = false;
        open = true;
      }
      Unit& unit = units.back();
      unit.text = {unit.text.data(), unit.text.size() + c.size_bytes};
      ++unit.characters;
      before = c.code_point;
    }
    at += c.size_bytes;
  }
  return units;
}

}  // namespace

std::vector<std::string> wrap_text(std::string_view text, std::size_t width) {
  std::vector<std::string> lines(1);
  std::size_t length = 0;
  for (const Unit& unit : split_units(text)) {
    const std::size_t space = unit.after_space && length > 0 ? 1 : 0;
    if (length > 0 && length + space + unit.characters > width) {
      lines.emplace_back();
      length = 0;
    }
    if (length > 0 && space > 0) lines.back().push_back(' ');
    lines.back().append(unit.text);
    length += (length > 0 ? space : 0) + unit.characters;
  }
  return lines;
}

}  // namespace amanuensis::pipeline
