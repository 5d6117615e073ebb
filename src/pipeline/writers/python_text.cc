#include "pipeline/writers/python_text.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <iterator>

#include "model/tokenizer/utf8.h"

namespace amanuensis::pipeline {
namespace {

using model::Utf8Char;
using model::Utf8Status;

bool begins_with_space(std::string_view text) {
  const Utf8Char c = model::read_utf8(text);
  return c.status == Utf8Status::kValid && is_python_space(c.code_point);
}

// Where the last character of `text` (not empty) begins.
std::size_t last_character(std::string_view text) {
  std::size_t at = text.size() - 1;
  while (at > 0 && text.size() - at < 4 && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) --at;
  return at;
}

}  // namespace

bool is_python_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

std::string_view python_strip(std::string_view text) {
  while (!text.empty() && begins_with_space(text)) text.remove_prefix(model::read_utf8(text).size_bytes);
  while (!text.empty()) {
    const std::size_t last = last_character(text);
    if (!begins_with_space(text.substr(last))) break;
    text = text.substr(0, last);
  }
  return text;
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string replaced;
  for (std::size_t at = text.find(from); at != std::string_view::npos; at = text.find(from)) {
    replaced.append(text.substr(0, at)).append(to);
    text.remove_prefix(at + from.size());
  }
  return replaced.append(text);
}

std::string python_float(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  // Shortest digits, "d.ddde-05"; only their layout differs from Python's.
  char buffer[32];
  const auto written = std::to_chars(std::begin(buffer), std::end(buffer), value, std::chars_format::scientific);
  const std::string_view text(std::begin(buffer), static_cast<std::size_t>(written.ptr - std::begin(buffer)));
  const std::size_t e = text.find('e');
  const int exponent = std::atoi(std::string(text.substr(e + 1)).c_str());
  // Python writes exponents below -4 and from 16 on, and plain decimals between.
  if (exponent < -4 || exponent >= 16) return std::string(text);

  const bool negative = text.front() == '-';
  std::string digits;
  for (const char c : text.substr(0, e)) {
    if (c >= '0' && c <= '9') digits.push_back(c);
  }
  std::string plain = negative ? "-" : "";
  if (exponent < 0) {
    plain.append("0.").append(static_cast<std::size_t>(-exponent - 1), '0').append(digits);
    return plain;
  }
  const auto whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() < whole + 1) digits.append(whole + 1 - digits.size(), '0');
  return plain.append(digits, 0, whole).append(".").append(digits, whole);
}

std::string json_string(std::string_view text) {
  std::string json = "\"";
  const auto escape = [&json](char32_t unit) { fmt::format_to(std::back_inserter(json), "\\u{:04x}", unit + 0U); };
  while (!text.empty()) {
    const Utf8Char c = model::read_utf8(text);
    text.remove_prefix(c.size_bytes);
    const char32_t code = c.status == Utf8Status::kValid ? c.code_point : U'\uFFFD';
    switch (code) {
      case U'"':
        json.append("\\\"");
        break;
      case U'\\':
        json.append("\\\\");
        break;
      case U'\n':
        json.append("\\n");
        break;
      case U'\r':
        json.append("\\r");
        break;
      case U'\t':
        json.append("\\t");
        break;
      case U'\b':
        json.append("\\b");
        break;
      case U'\f':
        json.append("\\f");
        break;
      default:
        if (code >= 0x20 && code < 0x7F) {
          json.push_back(static_cast<char>(code));
        } else if (code < 0x10000) {
          escape(code);
        } else {
          escape(0xD800U + ((code - 0x10000U) >> 10U));
          escape(0xDC00U + ((code - 0x10000U) & 0x3FFU));
        }
    }
  }
  json.push_back('"');
  return json;
}

std::string json_number(double value) { return std::isfinite(value) ? python_float(value) : "null"; }

}  // namespace amanuensis::pipeline
