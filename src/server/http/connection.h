// One HTTP/1.1 connection: reads requests, has them served by the route table's endpoints and writes the responses, one
// after the other. Failures of a request are told to its client and end nothing else. Everything runs on the loop's
// thread; what is shared between connections (HttpShared) must outlive them all.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>

#include "server/http/loop.h"
#include "server/http/message.h"
#include "server/http/router.h"
#include "server/http/stream.h"

namespace amanuensis::server {

struct HttpLimits {
  std::size_t header_bytes = 16 * 1024;
  // Nothing is being asked.
  std::chrono::milliseconds idle{75'000};
  // From a request's first byte to the end of its header, and for a TLS handshake.
  std::chrono::milliseconds header{10'000};
  // Without a byte of the body arriving, or of the response being taken.
  std::chrono::milliseconds stalled{30'000};
  // From a request's header to the end of its response; 0: no limit. Streams and WebSockets are exempt.
  std::chrono::milliseconds total{0};
};

// What is known of a request once it is over.
struct AccessRecord {
  const Request& request;
  std::string_view route;  // the pattern that served it; empty: none
  int status = 0;
  std::uint64_t body_bytes = 0;  // of the response
  double elapsed_s = 0;
};

struct HttpShared {
  Loop& loop;
  const Router& router;
  HttpLimits limits;
  // Before an endpoint is called: who asks, and whether they may. Throws HttpError.
  std::function<void(Request&, const Route&)> admit = nullptr;
  // Before a response is sent: headers that every one has.
  std::function<void(const Request&, Response&)> finish = nullptr;
  std::function<void(const AccessRecord&)> on_served = nullptr;
  // Something went wrong that the client is not told.
  std::function<void(const Request&, const std::exception_ptr&)> on_failure = nullptr;
  bool draining = false;  // no connection is kept for another request
};

class Connection {
 public:
  Connection(HttpShared& shared, std::shared_ptr<Stream> stream);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Serves the connection to its end. Does not throw.
  Task<void> serve();
  // Ends the connection if nothing is being asked on it.
  void close_if_idle();
  // Ends it whatever happens on it: its client is treated as gone.
  void abort();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace amanuensis::server
