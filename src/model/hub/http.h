// HTTP as the hub needs it, over libcurl: small answers into memory, large ones through a sink, cancellable, with the
// token kept to its own host. Proxies come from the usual variables, which libcurl reads itself. A client belongs to
// one thread; connections are reused between its calls.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "transfer/curl.h"

namespace amanuensis::model {

struct HttpSettings {
  std::string user_agent;
  std::string token;  // sent as "Authorization: Bearer" to the host asked, never along a redirect to another host
  std::chrono::seconds connect_timeout{20};
  std::chrono::seconds stall_timeout{30};
};

struct HttpResponse {
  int status = 0;
  transfer::Headers headers;  // names in lower case; of the last answer when redirects were followed
  std::string body;           // empty when a sink took it

  // Empty when absent.
  std::string header(std::string_view lower_case_name) const;
};

using transfer::TransferError;

class HttpClient {
 public:
  explicit HttpClient(HttpSettings settings);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Follows redirects. Any status is an answer, not an error. Throws TransferError, Error{kCancelled}, or
  // Error{kNetwork} when the body is larger than max_bytes.
  HttpResponse get(const std::string& url, std::size_t max_bytes, std::stop_token stop);

  // The headers of the first answer; redirects are not followed.
  HttpResponse head(const std::string& url, std::stop_token stop);

  // As get(), from byte `first_byte` on when that is not 0. The sink is called with each piece of a 200 or 206 body,
  // the status and headers being complete; what it throws ends the transfer and is thrown on. Other bodies are kept as
  // text.
  using Sink = std::function<void(const HttpResponse& so_far, std::span<const std::byte> piece)>;
  HttpResponse download(const std::string& url, std::uint64_t first_byte, const Sink& sink, std::stop_token stop);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Percent-encodes everything but unreserved characters; '/' stays when keep_slash is set.
std::string url_encode(std::string_view text, bool keep_slash);

// "https://user:pw@host:8/x" -> "https://host:8": what a message may show of an address.
std::string url_origin(std::string_view url);

}  // namespace amanuensis::model
