// How long a piece of work takes, on a machine that others may be using: it is repeated in short bursts, alternating
// with whatever it is compared with, and the best counts; time is processor time. One thread at a time.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <vector>

namespace amanuensis::cli {

struct TimingOptions {
  // Threads the work uses.
  std::size_t threads = 1;
  double seconds = 0.02;        // of one burst, warm-up not counted; at least one call
  std::size_t rounds = 2;       // bursts of each work at least
  std::size_t most_rounds = 8;  // and at most: until the best two bursts of each agree within kAgreement
};

// Two bursts that differ by less saw the same machine.
inline constexpr double kAgreement = 0.04;

using Work = std::function<void()>;

// Measures work by the processor time of the thread of this process that is busiest with it. On an idle machine that is
// the elapsed time, as all threads of a kernel work until its end; on a busy one it leaves out what others took, and
// still counts what a thread had to do, or wait in a loop, because another was late.
class BusiestThread {
 public:
  BusiestThread() { restart(); }
  void restart();
  // Since the construction or restart().
  double seconds() const;

 private:
  std::map<int, double> before_;  // processor time of each thread, by the system's number of it
};

// Seconds one call takes. Calls shorter than the clock can tell are timed several at a time.
double best_seconds(const TimingOptions& options, const Work& work);

// The same for several works in turn (A B A B ...), so that all of them see the same machine. Between two works that
// use several threads there is a pause in which the one's threads go to sleep.
std::vector<double> best_seconds_of_each(const TimingOptions& options, std::span<const Work> works);

}  // namespace amanuensis::cli
