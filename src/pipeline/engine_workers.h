// A few threads that do jobs in the order in which they were posted: everything in a transcription that does not need
// the backend, which they give way to. Jobs may post jobs. Any thread may post; the owner stops the threads by
// destroying the object, and jobs that were not begun by then are dropped.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace amanuensis::pipeline {

class EngineWorkers {
 public:
  // At least one thread. Jobs must not throw.
  explicit EngineWorkers(std::size_t threads);
  ~EngineWorkers();
  EngineWorkers(const EngineWorkers&) = delete;
  EngineWorkers& operator=(const EngineWorkers&) = delete;

  void post(std::function<void()> job);
  // Ends the threads once their present jobs are done. Called by one thread.
  void stop();

 private:
  void work(const std::stop_token& stop);

  std::mutex mutex_;
  std::condition_variable_any posted_;
  std::deque<std::function<void()>> jobs_;
  std::vector<std::jthread> threads_;
};

}  // namespace amanuensis::pipeline
