// The server's numbers for Prometheus. Counting belongs to the loop's thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace amanuensis::server {

struct Service;

class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // `route` is the pattern, not the address: there are only so many of them.
  void count_request(std::string_view method, std::string_view route, int status, double elapsed_s);
  // Everything, in Prometheus' text format.
  std::string text(const Service& service);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace amanuensis::server
