// Ctrl-C and SIGTERM as a request to stop: the first asks the work to end cleanly, a second ends the process at once.
// Made once, by main, before any other thread: it blocks both signals in every thread and waits for them in its own.
#pragma once

#include <atomic>
#include <stop_token>
#include <thread>

namespace amanuensis::cli {

class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  std::stop_token token() const { return stop_.get_token(); }
  // SIGINT or SIGTERM once one has come, else 0.
  int signal() const { return signal_.load(); }

 private:
  std::stop_source stop_;
  std::atomic<int> signal_{0};
  std::jthread waiter_;
};

}  // namespace amanuensis::cli
