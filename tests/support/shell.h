// Running other programs from a test. Header only.
#pragma once

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>

namespace amanuensis::test {

struct ShellResult {
  int status = -1;     // exit code
  std::string output;  // standard output, as bytes
};

// Runs a command line with /bin/sh.
inline ShellResult run_shell(const std::string& command) {
  ShellResult result;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return result;
  std::array<char, 65536> buffer = {};
  while (const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    result.output.append(buffer.data(), count);
  }
  const int status = ::pclose(pipe);
  if (WIFEXITED(status)) result.status = WEXITSTATUS(status);
  return result;
}

// Whether a program can be started.
inline bool has_program(const std::string& name) { return run_shell("command -v " + name).status == 0; }

}  // namespace amanuensis::test
