#include "model/tokenizer/utf8.h"

#include "model/tokenizer/tokenizer.h"

namespace amanuensis::model {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// What the first byte of a character says about the rest (Unicode 15, table 3-7).
struct Lead {
  std::size_t size_bytes;  // 0: no character begins so
  unsigned char second_min;
  unsigned char second_max;
};

Lead lead_of(unsigned char byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte < 0xC2) return {0, 0, 0};
  if (byte < 0xE0) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte < 0xF0) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte < 0xF4) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

// Appends the characters of `bytes` and returns how many bytes at its end belong to an incomplete one.
std::size_t append_replacing(std::string_view bytes, std::string& out) {
  while (!bytes.empty()) {
    const Utf8Char c = read_utf8(bytes);
    if (c.status == Utf8Status::kIncomplete) return bytes.size();
    if (c.status == Utf8Status::kValid) {
      out.append(bytes.substr(0, c.size_bytes));
    } else {
      out.append(kReplacement);
    }
    bytes.remove_prefix(c.size_bytes);
  }
  return 0;
}

}  // namespace

Utf8Char read_utf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const Lead lead = lead_of(byte(0));
  if (lead.size_bytes == 0) return {.size_bytes = 1};
  if (lead.size_bytes == 1) return {byte(0), 1, Utf8Status::kValid};
  char32_t code_point = byte(0) & (0x7FU >> lead.size_bytes);
  for (std::size_t i = 1; i < lead.size_bytes; ++i) {
    if (i == text.size()) return {.size_bytes = i, .status = Utf8Status::kIncomplete};
    const unsigned char min = i == 1 ? lead.second_min : 0x80;
    const unsigned char max = i == 1 ? lead.second_max : 0xBF;
    if (byte(i) < min || byte(i) > max) return {.size_bytes = i};
    code_point = (code_point << 6U) | (byte(i) & 0x3FU);
  }
  return {code_point, lead.size_bytes, Utf8Status::kValid};
}

void append_utf8(char32_t code_point, std::string& out) {
  const auto put = [&](char32_t byte) { out.push_back(static_cast<char>(static_cast<unsigned char>(byte))); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0U | (code_point >> 6U));
    put(0x80U | (code_point & 0x3FU));
  } else if (code_point < 0x10000) {
    put(0xE0U | (code_point >> 12U));
    put(0x80U | ((code_point >> 6U) & 0x3FU));
    put(0x80U | (code_point & 0x3FU));
  } else {
    put(0xF0U | (code_point >> 18U));
    put(0x80U | ((code_point >> 12U) & 0x3FU));
    put(0x80U | ((code_point >> 6U) & 0x3FU));
    put(0x80U | (code_point & 0x3FU));
  }
}

std::string replace_malformed_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  if (append_replacing(bytes, text) != 0) text.append(kReplacement);
  return text;
}

std::size_t count_utf8(std::string_view text) {
  std::size_t count = 0;
  for (; !text.empty(); ++count) text.remove_prefix(read_utf8(text).size_bytes);
  return count;
}

std::string Utf8Stream::push(std::string_view bytes) {
  pending_.append(bytes);
  std::string text;
  const std::size_t held = append_replacing(pending_, text);
  pending_.erase(0, pending_.size() - held);
  return text;
}

std::string Utf8Stream::finish() {
  std::string text = replace_malformed_utf8(pending_);
  pending_.clear();
  return text;
}

}  // namespace amanuensis::model
