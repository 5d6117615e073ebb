// HTTP as the stores need it, over libcurl: any method, a body from memory, an answer into memory or through a sink,
// and an ear for a request to stop. Any thread; connections are kept and used again, one thread at a time each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "storage/settings.h"
#include "transfer/curl.h"

namespace amanuensis::storage {

struct HttpAnswer {
  int status = 0;
  transfer::Headers headers;  // names in lower case; of the last answer when redirects were followed
  std::string body;           // empty when a sink took it

  bool ok() const { return status >= 200 && status < 300; }
  // Empty when absent.
  std::string header(const std::string& lower_case_name) const;
};

struct HttpRequest {
  std::string method = "GET";  // GET, HEAD, PUT, POST, DELETE
  std::string url;
  std::vector<std::string> headers = {};  // "Name: value"
  std::string_view body = {};             // for PUT and POST; must stay until the call returns
  // Answers' bodies kept in memory end at this size with an error.
  std::uint64_t max_answer_bytes = std::uint64_t{8} << 20;
  // Takes the pieces of a 200's or 206's body instead, the status and headers being complete; what it throws ends the
  // transfer and is thrown on.
  std::function<void(const HttpAnswer& so_far, std::span<const std::byte> piece)> sink = {};
  std::function<void(std::uint64_t)> on_sent = {};  // how much of the body has left
  bool follow_redirects = false;
  // Somebody else named the address: only public ones are connected to, and no proxy is asked to go there instead.
  bool public_only = false;
};

using transfer::TransferError;

class HttpClient {
 public:
  explicit HttpClient(const StorageSettings& settings);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // One try. Any status is an answer, not an error. Throws TransferError, Error{kCancelled}, and
  // Error{kInvalidArgument} for an address that is refused.
  HttpAnswer send(const HttpRequest& request, const std::stop_token& stop);

 private:
  struct Pool;
  std::unique_ptr<Pool> pool_;
};

// Percent-encodes everything but unreserved characters (RFC 3986); '/' stays when keep_slash is set.
std::string percent_encoded(std::string_view text, bool keep_slash);

}  // namespace amanuensis::storage
