// Trying again: after which failures, how often, and how long after. Free of sockets; one Retry belongs to one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string_view>

#include "storage/http.h"
#include "storage/settings.h"

namespace amanuensis::storage {

// Whether an answer says that the same request may succeed later: 429, 500, 502, 503, 504, and S3's codes for
// "slow down", "conflicting operation" and "your request took too long", whatever the status. `code` may be empty.
bool is_transient_answer(int status, std::string_view code);

// The pause before try number `failures` + 1: doubles from the first to the longest, and is shortened by a random part
// of up to half. `random` in [0, 1).
std::chrono::milliseconds pause_before(const StorageSettings& settings, int failures, double random);

class Retry {
 public:
  Retry(const StorageSettings& settings, std::stop_token stop);

  // Counts a failure and waits; false when there have been enough. `server_wait` is what the server asked for (0:
  // nothing). Throws Error{kCancelled} when stop is requested meanwhile.
  bool again(std::chrono::seconds server_wait);
  // Something moved: failures are counted from the beginning.
  void progressed() { failures_ = 0; }

  int failures() const { return failures_; }

 private:
  const StorageSettings& settings_;
  std::stop_token stop_;
  std::uint64_t random_state_;
  int failures_ = 0;
};

// What a Retry-After header in seconds asks for; 0 where there is none or it is a date.
std::chrono::seconds retry_after(const HttpAnswer& answer);

}  // namespace amanuensis::storage
