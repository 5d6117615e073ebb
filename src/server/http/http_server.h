// The listening socket: accepts connections, within limits, and hands each to a Connection. Belongs to the loop's
// thread; stopping is in two steps, so that work under way can be finished.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "server/http/connection.h"

namespace amanuensis::server {

struct ListenOptions {
  std::string host = "127.0.0.1";  // an address, or a name that has one
  std::uint16_t port = 9004;       // 0: any that is free
  std::string tls_certificate;     // PEM file with the chain; empty: plain HTTP
  std::string tls_key;             // PEM file
  std::size_t max_connections = 8192;
  std::size_t max_connections_per_address = 4096;
};

struct ConnectionCounts {
  std::size_t open = 0;
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;
};

class HttpServer {
 public:
  // Begins to listen. Throws Error{kIo} when the address cannot be had, Error{kBadData} for certificates that make no
  // sense. The loop must be one of make_loop(), and outlive the server with `shared`.
  HttpServer(HttpShared& shared, const ListenOptions& options);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const;
  ConnectionCounts counts() const;
  // No new connections; idle ones are closed, the others when their request is served.
  void drain();
  // Ends every connection.
  void abort();
  // Whether there is none left.
  bool empty() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace amanuensis::server
