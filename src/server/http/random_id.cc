#include "server/http/random_id.h"

#include <sys/random.h>

#include <array>

#include "base/error.h"

namespace amanuensis::server {

void fill_random(std::span<unsigned char> bytes) {
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw Error(ErrorCode::kInternal, "the system gave no random numbers");
  }
}

std::string to_hex(std::span<const unsigned char> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string random_id(std::string_view prefix) {
  std::array<unsigned char, 12> bytes;
  fill_random(bytes);
  return std::string(prefix) + to_hex(bytes);
}

}  // namespace amanuensis::server
