// The server as a whole: made of options and a host of models, run until it is told to stop. One thread serves all
// connections (the caller's, in run()); a few others do what blocks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>

#include "server/log/log.h"
#include "server/models/model_host.h"
#include "server/options.h"

namespace amanuensis::server {

struct ServerHooks {
  // The socket is open and the default model in memory.
  std::function<void(std::uint16_t port)> on_ready;
  // Stopping has begun.
  std::function<void()> on_stopping;
};

class Server {
 public:
  // Throws Error: kIo (address or folder cannot be had), kNotFound (the default model), kBadData (certificates, ...).
  // Host and log must outlive it.
  Server(ServerOptions options, ModelHost& host, Log& log, ServerHooks hooks);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const;
  // Serves until `stop` is requested; then finishes what runs, within limits, and returns.
  void run(const std::stop_token& stop);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace amanuensis::server
