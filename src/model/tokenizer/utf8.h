// Reading UTF-8 that may be malformed. Pure functions; may be called from any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace amanuensis::model {

enum class Utf8Status {
  kValid,       // a whole character
  kMalformed,   // bytes that no character can begin with
  kIncomplete,  // the text ends inside a character that is right so far
};

struct Utf8Char {
  char32_t code_point = 0;  // meaningful when valid
  // Bytes it takes. Of malformed text: the longest prefix that some character could begin with, at least 1 (Unicode 15,
  // section 3.9, "maximal subpart").
  std::size_t size_bytes = 0;
  Utf8Status status = Utf8Status::kMalformed;
};

// The character that begins `text`, which must not be empty. Surrogates, overlong forms and code points beyond U+10FFFF
// are malformed.
Utf8Char read_utf8(std::string_view text);

// Appends a code point (below U+110000, not a surrogate) to `out`.
void append_utf8(char32_t code_point, std::string& out);

// `bytes` with every malformed or incomplete part replaced by one U+FFFD, as Python's errors="replace" does.
std::string replace_malformed_utf8(std::string_view bytes);

// Characters of `text`; each malformed part counts as one.
std::size_t count_utf8(std::string_view text);

}  // namespace amanuensis::model
