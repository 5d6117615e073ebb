#include "cli/bench/timing.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <limits>
#include <thread>

namespace amanuensis::cli {
namespace {

// A group of calls lasts at least this long, so that reading the clock does not matter.
constexpr double kGroupSeconds = 2e-4;
// Longer calls are not worth a warm-up.
constexpr double kLongCallSeconds = 0.05;
// OpenMP's and OpenBLAS's threads spin for tens of milliseconds after their last call.
constexpr std::chrono::milliseconds kPause(40);

double now_s(std::size_t threads) {
  timespec now = {};
  clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double group_seconds(std::size_t threads, const Work& work, std::size_t calls) {
  const double start = now_s(threads);
  for (std::size_t i = 0; i < calls; ++i) work();
  return (now_s(threads) - start) / static_cast<double>(calls);
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

double best_seconds(const TimingOptions& options, const Work& work) {
  return best_seconds_of_each(options, std::span<const Work>(&work, 1)).front();
}

std::vector<double> best_seconds_of_each(const TimingOptions& options, std::span<const Work> works) {
  std::vector<BestTwo> best(works.size());
  const auto undecided = [](const BestTwo& two) { return !two.agree(); };
  for (std::size_t round = 0; round < options.most_rounds; ++round) {
    if (round >= options.rounds && std::ranges::none_of(best, undecided)) break;
    for (std::size_t i = 0; i < works.size(); ++i) {
      if (options.threads > 1 && works.size() > 1) std::this_thread::sleep_for(kPause);
      best[i].add(burst(options, works[i]));
    }
  }
  std::vector<double> seconds;
  for (const BestTwo& two : best) seconds.push_back(two.first);
  return seconds;
}

}  // namespace amanuensis::cli
