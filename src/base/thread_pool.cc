#include "base/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace amanuensis {
namespace {

std::size_t allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1U, std::thread::hardware_concurrency());
}

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// A kernel call lasts tens of microseconds and the next follows at once; parking between two would cost more than they
// do. After this many turns (some 50 us) nothing has come, and the worker gives the core back.
constexpr int kSpinsBeforeParking = 2000;

}  // namespace

struct ThreadPool::State {
  std::size_t threads = 1;
  TaskFn fn = nullptr;
  const void* context = nullptr;
  std::size_t tasks = 0;
  alignas(64) std::atomic<unsigned> generation = 0;  // raised once for each parallel_for
  alignas(64) std::atomic<std::size_t> running = 0;  // workers that have not finished this generation
  std::atomic<bool> stopping = false;
  std::vector<std::jthread> workers;

  // Static tiling: worker w takes one contiguous share, so that neighbouring tiles stay in one core's cache.
  void run_share(std::size_t worker) const {
    const std::size_t first = tasks * worker / threads;
    const std::size_t last = tasks * (worker + 1) / threads;
    for (std::size_t i = first; i < last; ++i) fn(context, i, worker);
  }

  void work(std::size_t worker) {
    unsigned seen = 0;
    while (true) {
      int spins = 0;
      while (generation.load(std::memory_order_acquire) == seen) {
        if (++spins < kSpinsBeforeParking) {
          relax();
        } else {
          generation.wait(seen, std::memory_order_acquire);
        }
      }
      ++seen;
      if (stopping.load(std::memory_order_relaxed)) return;
      run_share(worker);
      if (running.fetch_sub(1, std::memory_order_acq_rel) == 1) running.notify_one();
    }
  }
};

ThreadPool::ThreadPool(std::size_t threads) : state_(std::make_unique<State>()) {
  state_->threads = threads == 0 ? allowed_cpus() : threads;
  for (std::size_t worker = 1; worker < state_->threads; ++worker) {
    state_->workers.emplace_back([state = state_.get(), worker] { state->work(worker); });
  }
}

ThreadPool::~ThreadPool() {
  state_->stopping = true;
  state_->generation.fetch_add(1, std::memory_order_release);
  state_->generation.notify_all();
}

std::size_t ThreadPool::threads() const { return state_->threads; }

void ThreadPool::run(std::size_t tasks, TaskFn fn, const void* context) {
  State& state = *state_;
  if (state.threads == 1 || tasks <= 1) {
    for (std::size_t i = 0; i < tasks; ++i) fn(context, i, 0);
    return;
  }
  state.fn = fn;
  state.context = context;
  state.tasks = tasks;
  state.running.store(state.threads - 1, std::memory_order_relaxed);
  state.generation.fetch_add(1, std::memory_order_release);
  state.generation.notify_all();
  state.run_share(0);
  int spins = 0;
  for (std::size_t left; (left = state.running.load(std::memory_order_acquire)) != 0;) {
    if (++spins < kSpinsBeforeParking) {
      relax();
    } else {
      state.running.wait(left, std::memory_order_acquire);
    }
  }
}

}  // namespace amanuensis
