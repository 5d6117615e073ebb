#include "server/auth/keys.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <span>
#include <sstream>

#include "base/error.h"
#include "server/http/http_error.h"
#include "server/http/random_id.h"

namespace amanuensis::server {
namespace {

constexpr std::size_t kHashDigits = 64;

bool is_hash(const std::string& text) {
  return text.size() == kHashDigits &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::optional<std::size_t> number_after(std::string_view text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return std::nullopt;
  text.remove_prefix(prefix.size());
  std::size_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<ApiKey> parse_line(const std::string& line) {
  std::istringstream words(line);
  ApiKey key;
  if (!(words >> key.name >> key.hash) || !is_hash(key.hash)) return std::nullopt;
  for (std::string word; words >> word;) {
    if (word == "admin") {
      key.admin = true;
    } else if (const auto per_minute = number_after(word, "per-minute=")) {
      key.per_minute = *per_minute;
    } else if (const auto running = number_after(word, "running=")) {
      key.running = *running;
    } else {
      return std::nullopt;
    }
  }
  return key;
}

HttpError too_many(const std::string& message, int retry_s) {
  return HttpError({.status = 429,
                    .message = message,
                    .code = "rate_limit_exceeded",
                    .headers = {{"retry-after", std::to_string(retry_s)}}});
}

}  // namespace

std::vector<ApiKey> read_key_file(const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in) throw Error(ErrorCode::kNotFound, fmt::format("the key file '{}' cannot be read", file.string()));
  std::vector<ApiKey> keys;
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    line.erase(std::min(line.find('#'), line.size()));
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const auto key = parse_line(line);
    if (!key) {
      throw Error(ErrorCode::kBadData,
                  fmt::format("'{}', line {}: must be NAME HASH [admin] [per-minute=N] [running=N]; `amanuensis keys "
                              "new NAME` makes one",
                              file.string(), number));
    }
    keys.push_back(*key);
  }
  // A server without keys lets everybody in, which is not what somebody wants who names a file of them.
  if (keys.empty()) {
    throw Error(ErrorCode::kBadData, fmt::format("the key file '{}' has no keys; `amanuensis keys new NAME --file {}` "
                                                 "makes one",
                                                 file.string(), file.string()));
  }
  return keys;
}

std::string key_line(const ApiKey& key) {
  std::string line = fmt::format("{} {}", key.name, key.hash);
  if (key.admin) line += " admin";
  if (key.per_minute > 0) line += fmt::format(" per-minute={}", key.per_minute);
  if (key.running > 0) line += fmt::format(" running={}", key.running);
  return line + "\n";
}

std::string make_key() {
  std::array<unsigned char, 32> bytes;
  fill_random(bytes);
  return "amk_" + to_hex(bytes);
}

std::string hash_key(std::string_view key) {
  std::array<unsigned char, 32> digest{};
  unsigned int size = 0;
  EVP_Digest(key.data(), key.size(), digest.data(), &size, EVP_sha256(), nullptr);
  return to_hex(digest);
}

const ApiKey* KeyRing::find(std::string_view given) const {
  const std::string hash = hash_key(given);
  const ApiKey* found = nullptr;
  for (const ApiKey& key : keys_) {
    if (CRYPTO_memcmp(key.hash.data(), hash.data(), kHashDigits) == 0) found = &key;
  }
  return found;
}

void KeyRing::begin(const ApiKey& key, Clock::time_point now) {
  Usage& usage = usage_[key.name];
  if (key.running > 0 && usage.running >= key.running) {
    throw too_many(fmt::format("key '{}' has {} requests running already", key.name, usage.running), 1);
  }
  if (key.per_minute > 0) {
    const auto most = static_cast<double>(key.per_minute);
    const double per_second = most / 60;
    if (usage.when == Clock::time_point()) usage.tokens = most;
    usage.tokens = std::min(most, usage.tokens + std::chrono::duration<double>(now - usage.when).count() * per_second);
    usage.when = now;
    if (usage.tokens < 1) {
      throw too_many(fmt::format("key '{}' may make {} requests a minute", key.name, key.per_minute),
                     static_cast<int>(std::ceil((1 - usage.tokens) / per_second)));
    }
    usage.tokens -= 1;
  }
  ++usage.running;
}

void KeyRing::end(const std::string& name) {
  const auto usage = usage_.find(name);
  if (usage != usage_.end() && usage->second.running > 0) --usage->second.running;
}

}  // namespace amanuensis::server
