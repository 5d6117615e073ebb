// What those share that speak HTTP over libcurl, each with requests of its own: the model hub and the storage.
// libcurl's headers stay out of this one. Free functions and values; any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/error.h"

namespace amanuensis::transfer {

// A request that got no answer, or a body that broke off. `transient` when asking again may help.
class TransferError : public Error {
 public:
  TransferError(const std::string& message, bool transient)
      : Error(ErrorCode::kNetwork, message), transient_(transient) {}
  bool transient() const noexcept { return transient_; }

 private:
  bool transient_;
};

// libcurl asks to be initialised once in a process before its first use.
void initialise_curl();

// Whether the same request may succeed after this CURLcode.
bool is_transient(int curl_code);

// Takes one line of an answer's head, as libcurl hands it over: its status, or one of its headers (names in lower
// case). True for a line that begins a new answer, e.g. after a redirect: what was known of an earlier one has been
// cleared.
using Headers = std::map<std::string, std::string>;
bool read_head_line(std::string_view line, int& status, Headers& headers);

std::string_view trimmed(std::string_view text);

}  // namespace amanuensis::transfer
