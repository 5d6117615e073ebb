// When to try again after a failure: waits double from one failure to the next, up to a limit. No lock of its own.
#pragma once

#include <algorithm>
#include <chrono>

#include "device/npu/executor.h"

namespace amanuensis::device::npu {

class Retry {
 public:
  void failed(Clock::time_point now, const ExecutorOptions& options) {
    wait_ = wait_.count() == 0 ? options.first_retry : std::min(2 * wait_, options.longest_retry);
    at_ = now + wait_;
  }
  void succeeded() { wait_ = std::chrono::milliseconds{0}; }
  bool due(Clock::time_point now) const { return now >= at_; }
  std::chrono::milliseconds wait() const { return wait_; }

 private:
  std::chrono::milliseconds wait_{0};
  Clock::time_point at_{};
};

}  // namespace amanuensis::device::npu
