// The thread on which the server's coroutines run. One thread serves every connection: nothing on it may wait for a
// disk, a model or a peer. post() may be called from any thread, everything else on the loop's own.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>

#include "server/http/task.h"

namespace amanuensis::server {

using Clock = std::chrono::steady_clock;

// A call that is to be made later; it is not made once the timer is destroyed.
class Timer {
 public:
  virtual ~Timer() = default;
};

class Loop {
 public:
  virtual ~Loop() = default;

  // Calls `work` on the loop's thread, soon. Any thread.
  virtual void post(std::function<void()> work) = 0;
  virtual std::unique_ptr<Timer> call_after(std::chrono::milliseconds delay, std::function<void()> work) = 0;
  // Calls `work` whenever the process receives the signal.
  virtual void on_signal(int signal, std::function<void()> work) = 0;
  // Runs until stop() is called.
  virtual void run() = 0;
  virtual void stop() = 0;
};

std::unique_ptr<Loop> make_loop();

// Resumes after `delay`.
inline Task<void> sleep_for(Loop& loop, std::chrono::milliseconds delay) {
  std::unique_ptr<Timer> timer;
  Async<bool> elapsed(
      [&](const Async<bool>::Resolve& resolve) { timer = loop.call_after(delay, [resolve] { resolve(true); }); });
  co_await elapsed;
}

}  // namespace amanuensis::server
