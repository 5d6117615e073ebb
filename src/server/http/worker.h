// Threads for what may block (disk, database, a model being read), so that the loop never does. run() is awaited on the
// loop's thread; the work runs on one of the worker's threads, in the order in which it was asked for.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "server/http/loop.h"
#include "server/http/task.h"

namespace amanuensis::server {

class Worker {
 public:
  Worker(Loop& loop, std::size_t threads);
  // Waits for the work that was begun; what was not is dropped.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Any thread. Must not throw.
  void post(std::function<void()> work);

  // Runs `work` on a thread of the worker's; its result, or what it throws.
  template <typename Work>
  Task<std::invoke_result_t<Work>> run(Work work) {
    using Result = std::invoke_result_t<Work>;
    struct Nothing {};
    using Value = std::conditional_t<std::is_void_v<Result>, Nothing, Result>;
    struct Outcome {
      std::shared_ptr<Value> value;
      std::exception_ptr error;
    };
    Async<Outcome> outcome([this, &work](typename Async<Outcome>::Resolve resolve) {
      post([this, &work, resolve = std::move(resolve)] {
        Outcome done;
        try {
          if constexpr (std::is_void_v<Result>) {
            work();
            done.value = std::make_shared<Value>();
          } else {
            done.value = std::make_shared<Value>(work());
          }
        } catch (...) {
          done.error = std::current_exception();
        }
        loop_.post([resolve, done = std::move(done)] { resolve(done); });
      });
    });
    Outcome done = co_await outcome;
    if (done.error) std::rethrow_exception(done.error);
    if constexpr (!std::is_void_v<Result>) co_return std::move(*done.value);
  }

 private:
  void work();

  Loop& loop_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<std::function<void()>> waiting_;
  bool stopping_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace amanuensis::server
