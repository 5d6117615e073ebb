#include "decoding/text_measure.h"

#include <zlib.h>

#include <array>
#include <new>
#include <vector>

namespace amanuensis::decoding {

namespace {

// White space beyond ASCII, as UTF-8 (Python's str.isspace: bidirectional type WS, B or S, or category Zs).
constexpr std::array<std::string_view, 19> kWideSpaces = {
    "\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81", "\xE2\x80\x82", "\xE2\x80\x83",
    "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86", "\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A",
    "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80"};

bool is_ascii_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r') || (c >= '\x1C' && c <= '\x1F'); }

// Bytes of the white space that `text` begins with (or ends with); 0 when it does not.
std::size_t space_bytes(std::string_view text, bool at_end) {
  if (text.empty()) return 0;
  if (is_ascii_space(at_end ? text.back() : text.front())) return 1;
  for (const std::string_view space : kWideSpaces) {
    if (at_end ? text.ends_with(space) : text.starts_with(space)) return space.size();
  }
  return 0;
}

}  // namespace

std::string_view strip_text(std::string_view text) {
  while (const std::size_t n = space_bytes(text, false)) text.remove_prefix(n);
  while (const std::size_t n = space_bytes(text, true)) text.remove_suffix(n);
  return text;
}

double compression_ratio(std::string_view text) {
  if (text.empty()) return 0;
  uLongf compressed_bytes = compressBound(static_cast<uLong>(text.size()));
  std::vector<Bytef> compressed(compressed_bytes);
  const int status = compress2(compressed.data(), &compressed_bytes, reinterpret_cast<const Bytef*>(text.data()),
                               static_cast<uLong>(text.size()), Z_DEFAULT_COMPRESSION);
  if (status != Z_OK) throw std::bad_alloc();  // the only way it fails with a buffer of compressBound()
  return static_cast<double>(text.size()) / static_cast<double>(compressed_bytes);
}

}  // namespace amanuensis::decoding
