// Persistent workers for the kernels. parallel_for shares an index range out in contiguous runs that threads claim as
// they get to them, the caller being one of them; it waits only for workers that have joined in, never for one that the
// system has not woken or does not run, so that a busy machine costs speed and nothing else. Workers spin briefly after
// a job (the next kernel follows at once) and then sleep; a pool larger than the machine never spins.
//
// One caller at a time; parallel_for must not be called from inside a task. Tasks must not throw.
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <type_traits>
#include <vector>

namespace amanuensis {

struct ThreadPoolOptions {
  std::size_t threads = 0;  // at least 1, the caller counted; 0: one for each CPU below
  // The CPUs that workers may run on, so that several pools can share a machine out; empty: all that the process may.
  std::vector<std::size_t> cpus = {};
  // Ties worker i to the i-th of these CPUs (modulo their number), instead of letting it move among them.
  bool pin = false;
};

class ThreadPool {
 public:
  // As options with that many threads.
  explicit ThreadPool(std::size_t threads);
  // Throws Error{kInvalidArgument} when a CPU is named that this process may not run on.
  explicit ThreadPool(const ThreadPoolOptions& options);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  std::size_t threads() const;

  // Binds the calling thread, which is worker 0 of the jobs it starts, as the options bind the others. A pool leaves
  // its callers alone unless asked.
  void bind_caller() const;

  // Calls task(i, worker) once for each i in [0, tasks), worker in [0, threads()) naming the thread that runs it, and
  // returns when all are done. No allocation, no lock on the way.
  template <typename Task>
  void parallel_for(std::size_t tasks, const Task& task) {
    run(
        tasks,
        [](const void* context, std::size_t i, std::size_t worker) noexcept {
          (*static_cast<const Task*>(context))(i, worker);
        },
        &task);
  }

 private:
  using TaskFn = void (*)(const void* context, std::size_t i, std::size_t worker) noexcept;
  void run(std::size_t tasks, TaskFn fn, const void* context);

  struct State;
  std::unique_ptr<State> state_;
};

// As parallel_for, for tasks that may throw: all are run, then the first failure is thrown on.
template <typename Task>
void parallel_for_throwing(ThreadPool& pool, std::size_t tasks, const Task& task) {
  std::exception_ptr failure;
  std::mutex mutex;
  pool.parallel_for(tasks, [&](std::size_t i, std::size_t worker) {
    try {
      task(i, worker);
    } catch (...) {
      const std::scoped_lock lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  });
  if (failure) std::rethrow_exception(failure);
}

}  // namespace amanuensis
