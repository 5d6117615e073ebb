// Persistent workers for the kernels. parallel_for shares an index range out in contiguous runs that threads claim as
// they get to them, the caller being one of them; it waits only for workers that have joined in, never for one that the
// system has not woken or does not run, so that a busy machine costs speed and nothing else. Workers spin briefly after
// a job (the next kernel follows at once) and then sleep; a pool larger than the machine never spins.
//
// One caller at a time; parallel_for must not be called from inside a task. Tasks must not throw.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>

namespace amanuensis {

class ThreadPool {
 public:
  // threads >= 1 counts the caller; 0 means one per CPU this process may run on.
  explicit ThreadPool(std::size_t threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  std::size_t threads() const;

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

}  // namespace amanuensis
