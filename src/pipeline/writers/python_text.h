// Text as Python writes it, so that our files equal those of openai/whisper byte for byte. Pure functions.
#pragma once

#include <string>
#include <string_view>

namespace amanuensis::pipeline {

// `text` without white space at both ends, as str.strip(). A view into `text`.
std::string_view python_strip(std::string_view text);

// `text` with every `from` (not empty) replaced, left to right, as str.replace().
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

// Whether Python's str.isspace() holds for the code point.
bool is_python_space(char32_t code_point);

// A double as repr() writes it: the fewest digits that read back as the same value; "5.0", "1e-05", "1e+16".
std::string python_float(double value);

// A JSON string as json.dumps() writes it: quoted, ASCII only, \uXXXX (surrogate pairs) for everything else. Malformed
// UTF-8 becomes \ufffd.
std::string json_string(std::string_view text);

// A JSON number as json.dumps() writes a float. JSON has no word for values that are not finite: they become null.
std::string json_number(double value);

}  // namespace amanuensis::pipeline
