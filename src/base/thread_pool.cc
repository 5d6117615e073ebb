#include "base/thread_pool.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "base/error.h"

namespace amanuensis {
namespace {

// The CPUs this process may run on, in order; at least one.
std::vector<std::size_t> allowed_cpus() {
  std::vector<std::size_t> cpus;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    }
  }
  if (cpus.empty()) {
    for (std::size_t cpu = 0; cpu < std::max(1U, std::thread::hardware_concurrency()); ++cpu) cpus.push_back(cpu);
  }
  return cpus;
}

std::vector<std::size_t> checked_cpus(const ThreadPoolOptions& options) {
  std::vector<std::size_t> allowed = allowed_cpus();
  if (options.cpus.empty()) return allowed;
  for (const std::size_t cpu : options.cpus) {
    if (!std::ranges::binary_search(allowed, cpu)) {
      throw Error(
          ErrorCode::kInvalidArgument,
          fmt::format("a thread pool was given CPU {}, but this process may run on {}", cpu, fmt::join(allowed, ", ")));
    }
  }
  return options.cpus;
}

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// A kernel call lasts tens of microseconds and the next follows at once; parking between two would cost more than they
// do. After this many turns (some 50 us) nothing has come, and the thread gives the core back.
constexpr int kSpinsBeforeParking = 1000;

// Runs of indices per thread: enough that a thread which loses its core leaves little behind, few enough that claiming
// costs nothing.
constexpr std::size_t kRunsPerThread = 8;

}  // namespace

// A job is open while `epoch` is odd. Whoever wants to work on it first raises `joined`, then looks whether it is
// (still) open; the caller first closes it, then waits until nobody is inside. Both are sequentially consistent, so one
// of the two sees the other, and a job's description is only rewritten when no worker can be reading it.
struct ThreadPool::State {
  std::size_t threads = 1;
  int spins = kSpinsBeforeParking;
  TaskFn fn = nullptr;
  const void* context = nullptr;
  std::size_t tasks = 0;
  std::size_t run = 1;                            // indices claimed at once
  alignas(64) std::atomic<std::size_t> next = 0;  // first index that nobody has claimed
  alignas(64) std::atomic<unsigned> epoch = 0;    // raised when a job opens and when it closes
  alignas(64) std::atomic<unsigned> joined = 0;   // workers inside the job
  std::atomic<bool> stopping = false;
  std::vector<std::size_t> cpus;
  bool pin = false;
  bool bind = false;  // whether workers are kept to `cpus`
  std::vector<std::jthread> workers;

  // Keeps the calling thread to its CPUs. Where the system refuses, it runs where it may: only speed is lost.
  void bind_to_cpus(std::size_t worker) const {
    if (!bind) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    if (pin) {
      CPU_SET(cpus[worker % cpus.size()], &set);
    } else {
      for (const std::size_t cpu : cpus) CPU_SET(cpu, &set);
    }
    sched_setaffinity(0, sizeof(set), &set);
  }

  void run_claimed(std::size_t worker) {
    for (std::size_t first; (first = next.fetch_add(run, std::memory_order_relaxed)) < tasks;) {
      const std::size_t last = std::min(first + run, tasks);
      for (std::size_t i = first; i < last; ++i) fn(context, i, worker);
    }
  }

  void work(std::size_t worker) {
    bind_to_cpus(worker);
    unsigned seen = 0;
    for (;;) {
      const unsigned now = epoch.load(std::memory_order_acquire);
      // After the epoch, not before: whoever reads the destructor's last epoch must not go to sleep on it.
      if (stopping.load(std::memory_order_acquire)) return;
      if (now == seen || now % 2 == 0) {
        seen = now;
        wait_while(epoch, now);
        continue;
      }
      joined.fetch_add(1);
      seen = epoch.load();
      if (seen % 2 != 0) run_claimed(worker);
      if (joined.fetch_sub(1) == 1) joined.notify_one();
    }
  }

  // Returns when `value` is no longer `old`.
  void wait_while(const std::atomic<unsigned>& value, unsigned old) const {
    for (int spin = 0; spin < spins; ++spin) {
      if (value.load(std::memory_order_acquire) != old) return;
      relax();
    }
    value.wait(old, std::memory_order_acquire);
  }
};

ThreadPool::ThreadPool(std::size_t threads) : ThreadPool(ThreadPoolOptions{.threads = threads}) {}

ThreadPool::ThreadPool(const ThreadPoolOptions& options) : state_(std::make_unique<State>()) {
  state_->cpus = checked_cpus(options);
  state_->pin = options.pin;
  state_->bind = options.pin || !options.cpus.empty();
  const std::size_t cpus = state_->cpus.size();
  state_->threads = options.threads == 0 ? cpus : options.threads;
  // With more threads than processors, whoever spins keeps somebody from working.
  if (state_->threads > cpus) state_->spins = 0;
  for (std::size_t worker = 1; worker < state_->threads; ++worker) {
    state_->workers.emplace_back([state = state_.get(), worker] { state->work(worker); });
  }
}

ThreadPool::~ThreadPool() {
  state_->stopping.store(true, std::memory_order_release);
  state_->epoch.fetch_add(2);
  state_->epoch.notify_all();
}

std::size_t ThreadPool::threads() const { return state_->threads; }

void ThreadPool::bind_caller() const { state_->bind_to_cpus(0); }

void ThreadPool::run(std::size_t tasks, TaskFn fn, const void* context) {
  State& state = *state_;
  if (state.threads == 1 || tasks <= 1) {
    for (std::size_t i = 0; i < tasks; ++i) fn(context, i, 0);
    return;
  }
  state.fn = fn;
  state.context = context;
  state.tasks = tasks;
  state.run = std::max<std::size_t>(1, tasks / (state.threads * kRunsPerThread));
  state.next.store(0, std::memory_order_relaxed);
  state.epoch.fetch_add(1);  // opens the job, and publishes what is above
  state.epoch.notify_all();
  state.run_claimed(0);
  state.epoch.fetch_add(1);  // closes it: nobody joins any more
  for (unsigned inside; (inside = state.joined.load()) != 0;) state.wait_while(state.joined, inside);
}

}  // namespace amanuensis
