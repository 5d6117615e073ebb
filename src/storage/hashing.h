// The hashes that S3 speaks in, over OpenSSL. Pure functions, but for Md5, which belongs to one thread.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace amanuensis::storage {

std::string hex(std::string_view bytes);
std::string sha256_hex(std::string_view bytes);
std::string hmac_sha256(std::string_view key, std::string_view message);  // 32 bytes

// A running MD5. Where the system's OpenSSL refuses MD5 (FIPS), it has no result.
class Md5 {
 public:
  Md5();
  ~Md5();
  Md5(const Md5&) = delete;
  Md5& operator=(const Md5&) = delete;

  void restart();
  void update(std::span<const std::byte> bytes);
  std::optional<std::string> hex_digest();  // once

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace amanuensis::storage
