#include "cli/interrupt.h"

#include <csignal>
#include <ctime>

namespace amanuensis::cli {
namespace {

sigset_t watched_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

void die_of(int signal) {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  sigaction(signal, &action, nullptr);
  const sigset_t signals = watched_signals();
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  raise(signal);
}

}  // namespace

Interrupt::Interrupt() {
  const sigset_t signals = watched_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  waiter_ = std::jthread([this](const std::stop_token& ended) {
    const sigset_t waited_for = watched_signals();
    while (!ended.stop_requested()) {
      constexpr timespec kPatience{0, 100'000'000};
      const int got = sigtimedwait(&waited_for, nullptr, &kPatience);
      if (got <= 0) continue;
      if (signal_.load() != 0) die_of(got);
      signal_.store(got);
      stop_.request_stop();
    }
  });
}

Interrupt::~Interrupt() = default;

}  // namespace amanuensis::cli
