// Runs a program as a shell would and keeps what it wrote, with a time-out, signals and pseudo-terminals. Header only.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace amanuensis::test {

struct RunOptions {
  std::map<std::string, std::string> environment = {};  // added to, or replacing, this process's own
  std::string input_file = "/dev/null";                 // standard input
  std::string output_file = {};                         // standard output goes there instead
  std::chrono::milliseconds timeout{120'000};
  // Sent to the program once its standard error holds `signal_after`, and so much later.
  int signal = 0;
  std::string signal_after = {};
  std::chrono::milliseconds signal_delay{0};
  std::size_t close_output_after = 0;  // bytes after which we stop reading standard output; 0: never
  bool on_terminal = false;            // all three streams are one pseudo-terminal; `out` receives it
};

struct RunResult {
  int exit_code = -1;  // 128 + signal when a signal ended it
  bool timed_out = false;
  std::string out;
  std::string error;
};

namespace run_detail {

struct Pipe {
  Pipe() { EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0); }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_end(std::size_t which) {
    if (ends[which] >= 0) close(ends[which]);
    ends[which] = -1;
  }
  std::array<int, 2> ends{-1, -1};
};

[[noreturn]] inline void become(const std::vector<std::string>& command, const RunOptions& options) {
  for (const auto& [name, value] : options.environment) setenv(name.c_str(), value.c_str(), 1);
  signal(SIGINT, SIG_DFL);
  signal(SIGPIPE, SIG_DFL);
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  execv(arguments[0], arguments.data());
  _exit(127);
}

inline pid_t start_on_pipes(const std::vector<std::string>& command, const RunOptions& options, Pipe& out,
                            Pipe& error) {
  const pid_t child = fork();
  if (child == 0) {
    dup2(open(options.input_file.c_str(), O_RDONLY), 0);
    dup2(options.output_file.empty() ? out.ends[1] : open(options.output_file.c_str(), O_WRONLY | O_CREAT, 0644), 1);
    dup2(error.ends[1], 2);
    become(command, options);
  }
  out.close_end(1);
  error.close_end(1);
  return child;
}

// Appends what is there to read; false at the end.
inline bool drain(int descriptor, std::string& text) {
  std::array<char, 8192> buffer;
  const ssize_t got = read(descriptor, buffer.data(), buffer.size());
  if (got <= 0) return false;
  text.append(buffer.data(), static_cast<std::size_t>(got));
  return true;
}

}  // namespace run_detail

inline RunResult run_program(const std::vector<std::string>& command, const RunOptions& options = {}) {
  using Clock = std::chrono::steady_clock;
  run_detail::Pipe out;
  run_detail::Pipe error;
  pid_t child = -1;
  if (options.on_terminal) {
    winsize size{.ws_row = 24, .ws_col = 100, .ws_xpixel = 0, .ws_ypixel = 0};
    out.close_end(0);
    child = forkpty(&out.ends[0], nullptr, nullptr, &size);
    if (child == 0) run_detail::become(command, options);
    out.close_end(1);
    error.close_end(0);
    error.close_end(1);
  } else {
    child = run_detail::start_on_pipes(command, options, out, error);
  }

  RunResult result;
  const Clock::time_point deadline = Clock::now() + options.timeout;
  std::optional<Clock::time_point> signal_at;
  bool signalled = options.signal == 0;
  while (out.ends[0] >= 0 || error.ends[0] >= 0) {
    std::array<pollfd, 2> waiting{{{out.ends[0], POLLIN, 0}, {error.ends[0], POLLIN, 0}}};
    poll(waiting.data(), waiting.size(), 20);
    if (waiting[0].revents != 0 && !run_detail::drain(out.ends[0], result.out)) out.close_end(0);
    if (waiting[1].revents != 0 && !run_detail::drain(error.ends[0], result.error)) error.close_end(0);
    if (options.close_output_after > 0 && result.out.size() >= options.close_output_after) out.close_end(0);
    const bool ready = result.error.find(options.signal_after) != std::string::npos;
    if (!signalled && !signal_at && ready) signal_at = Clock::now() + options.signal_delay;
    if (!signalled && signal_at && Clock::now() >= *signal_at) {
      kill(child, options.signal);
      signalled = true;
    }
    if (Clock::now() > deadline) {
      kill(child, SIGKILL);
      result.timed_out = true;
      break;
    }
  }
  int status = 0;
  waitpid(child, &status, 0);
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  EXPECT_FALSE(result.timed_out) << command[0] << " did not end in time";
  return result;
}

}  // namespace amanuensis::test
