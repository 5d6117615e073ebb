// GET /metrics of a worker, for Prometheus; an answer also says that it lives. Serves on threads of its own.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "fleet/status.h"

namespace amanuensis::fleet {

class MetricsServer {
 public:
  // `address` is HOST:PORT, port 0 any that is free. `status` is called from any thread. Throws Error{kIo |
  // kInvalidArgument} when the address makes no sense or cannot be had.
  MetricsServer(const std::string& address, std::function<WorkerStatus()> status);
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  // "http://127.0.0.1:9005/metrics".
  const std::string& address() const { return address_; }

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::string address_;
};

}  // namespace amanuensis::fleet
