#include "cli/bench/timing.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <limits>
#include <system_error>
#include <thread>

namespace amanuensis::cli {
namespace {

// A group of calls lasts at least this long, so that reading the clock does not matter.
constexpr double kGroupSeconds = 2e-4;
// Longer calls are not worth a warm-up.
constexpr double kLongCallSeconds = 0.05;
// OpenMP's and OpenBLAS's threads spin for tens of milliseconds after their last call, and some for longer.
constexpr std::chrono::milliseconds kPause(40);
constexpr std::chrono::milliseconds kLongestPause(1000);
constexpr double kAsleepShare = 0.02;  // of a pause that no thread has used more of

double clock_s(clockid_t clock) {
  timespec now = {};
  if (clock_gettime(clock, &now) != 0) return 0;  // the thread has ended
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// The processor-time clock of any thread of this process, as Linux numbers them (pthread_getcpuclockid gives the same,
// for those who have the thread's handle).
clockid_t clock_of_thread(int tid) {
  constexpr unsigned kPerThreadScheduled = 6;
  return static_cast<clockid_t>((~static_cast<unsigned>(tid) << 3U) | kPerThreadScheduled);
}

std::vector<int> other_threads() {
  std::vector<int> tids;
  const int self = static_cast<int>(gettid());
  std::error_code problem;
  for (std::filesystem::directory_iterator entry("/proc/self/task", problem);
       !problem && entry != std::filesystem::directory_iterator(); entry.increment(problem)) {
    const int tid = std::atoi(entry->path().filename().c_str());
    if (tid > 0 && tid != self) tids.push_back(tid);
  }
  return tids;
}

double group_seconds(std::size_t threads, const Work& work, std::size_t calls) {
  const auto run = [&] {
    for (std::size_t i = 0; i < calls; ++i) work();
  };
  if (threads == 1) {
    const double start = clock_s(CLOCK_THREAD_CPUTIME_ID);
    run();
    return (clock_s(CLOCK_THREAD_CPUTIME_ID) - start) / static_cast<double>(calls);
  }
  const BusiestThread busiest;
  run();
  return busiest.seconds() / static_cast<double>(calls);
}

// The best of the groups of calls that fit into `seconds`; the first call of all is a warm-up unless it is long.
double burst(const TimingOptions& options, const Work& work) {
  const double first = group_seconds(options.threads, work, 1);
  double best = first >= kLongCallSeconds ? first : std::numeric_limits<double>::infinity();
  const double groups = std::ceil(kGroupSeconds / std::max(first, 1e-9));
  const auto calls = static_cast<std::size_t>(std::clamp(groups, 1.0, 100000.0));
  double spent = best == first ? first : 0.0;
  while (spent < options.seconds || !std::isfinite(best)) {
    const double seconds = group_seconds(options.threads, work, calls);
    best = std::min(best, seconds);
    spent += seconds * static_cast<double>(calls);
  }
  return best;
}

struct BestTwo {
  double first = std::numeric_limits<double>::infinity();
  double second = std::numeric_limits<double>::infinity();

  void add(double seconds) {
    second = std::min(second, std::max(first, seconds));
    first = std::min(first, seconds);
  }
  bool agree() const { return second <= first * (1 + kAgreement); }
};

}  // namespace

void BusiestThread::restart() {
  before_.clear();
  for (const int tid : other_threads()) before_[tid] = clock_s(clock_of_thread(tid));
  before_[static_cast<int>(gettid())] = clock_s(CLOCK_THREAD_CPUTIME_ID);
}

double BusiestThread::seconds() const {
  double most = clock_s(CLOCK_THREAD_CPUTIME_ID) - before_.at(static_cast<int>(gettid()));
  for (const int tid : other_threads()) {
    const auto known = before_.find(tid);
    most = std::max(most, clock_s(clock_of_thread(tid)) - (known == before_.end() ? 0.0 : known->second));
  }
  return most;
}

double best_seconds(const TimingOptions& options, const Work& work) {
  return best_seconds_of_each(options, std::span<const Work>(&work, 1)).front();
}

namespace {

// Waits until all threads of this process are asleep, or long enough.
void let_threads_sleep() {
  constexpr double kPauseSeconds = std::chrono::duration<double>(kPause).count();
  for (std::chrono::milliseconds waited(0); waited < kLongestPause; waited += kPause) {
    const BusiestThread busiest;
    std::this_thread::sleep_for(kPause);
    if (busiest.seconds() < kAsleepShare * kPauseSeconds) return;
  }
}

}  // namespace

std::vector<double> best_seconds_of_each(const TimingOptions& options, std::span<const Work> works) {
  std::vector<BestTwo> best(works.size());
  const auto undecided = [](const BestTwo& two) { return !two.agree(); };
  for (std::size_t round = 0; round < options.most_rounds; ++round) {
    if (round >= options.rounds && std::ranges::none_of(best, undecided)) break;
    for (std::size_t i = 0; i < works.size(); ++i) {
      if (options.threads > 1 && works.size() > 1) let_threads_sleep();
      best[i].add(burst(options, works[i]));
    }
  }
  std::vector<double> seconds;
  seconds.reserve(best.size());
  for (const BestTwo& two : best) seconds.push_back(two.first);
  return seconds;
}

}  // namespace amanuensis::cli
