// A lock that is given to those who wait in the order in which they came: the queue of a hardware context. Any thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace amanuensis::device::npu {

class FifoLock {
 public:
  void lock() {
    std::unique_lock guard(mutex_);
    const std::uint64_t ticket = next_++;
    turned_.wait(guard, [&] { return serving_ == ticket; });
  }
  void unlock() {
    const std::scoped_lock guard(mutex_);
    ++serving_;
    turned_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable turned_;
  std::uint64_t next_ = 0;
  std::uint64_t serving_ = 0;
};

}  // namespace amanuensis::device::npu
