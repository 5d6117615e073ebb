// API keys: who may ask, and how much. The file holds a key's hash, never the key; a key is 256 random bits, which no
// dictionary finds, so a plain SHA-256 is enough. Belongs to the loop's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/loop.h"

namespace amanuensis::server {

struct ApiKey {
  std::string name;
  std::string hash;  // SHA-256 of the key, 64 hexadecimal digits
  bool admin = false;
  std::size_t per_minute = 0;  // requests; 0: no limit
  std::size_t running = 0;     // requests at once; 0: no limit
};

// One key a line: NAME HASH [admin] [per-minute=N] [running=N]; # begins a comment. Throws Error{kBadData} naming file
// and line, or for a file without any, Error{kNotFound}.
std::vector<ApiKey> read_key_file(const std::filesystem::path& file);
std::string key_line(const ApiKey& key);

// A new key: "amk_" and 64 hexadecimal digits.
std::string make_key();
std::string hash_key(std::string_view key);

class KeyRing {
 public:
  explicit KeyRing(std::vector<ApiKey> keys) : keys_(std::move(keys)) {}

  bool empty() const { return keys_.empty(); }
  // Other keys from now on; what the old ones have used counts on for those of the same name.
  void replace(std::vector<ApiKey> keys) { keys_ = std::move(keys); }
  // The key, if it is one of ours. Takes the same time whichever it is.
  const ApiKey* find(std::string_view given) const;
  // Counts a request of the key. Throws HttpError 429 with Retry-After when it has had its share.
  void begin(const ApiKey& key, Clock::time_point now);
  void end(const std::string& name);

 private:
  struct Usage {
    double tokens = 0;  // requests that may be made now
    Clock::time_point when;
    std::size_t running = 0;
  };
  std::vector<ApiKey> keys_;
  std::map<std::string, Usage> usage_;
};

}  // namespace amanuensis::server
