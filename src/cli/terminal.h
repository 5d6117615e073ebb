// The program's two outputs. Standard output carries results and nothing else; standard error carries messages and, on
// a terminal, one status line that is redrawn in place and never mixes with the lines around it. Belongs to one thread,
// but any thread may write messages.
#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace amanuensis::cli {

// Whoever read standard output has gone (`amanuensis ... | head`): an ordinary end, without a message.
class OutputClosed : public std::exception {
 public:
  const char* what() const noexcept override { return "standard output is closed"; }
};

class Terminal {
 public:
  // File descriptors, 1 and 2 in the program; they stay open and theirs.
  Terminal(int out, int error);
  ~Terminal();  // erases the status line
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  bool out_is_terminal() const { return out_is_terminal_; }
  bool error_is_terminal() const { return error_is_terminal_; }
  // Of the error terminal; 80 when unknown.
  std::size_t columns() const;

  // Writes all of the text now. Throws OutputClosed, or Error{kIo | kResourceExhausted} when it cannot be written.
  void out(std::string_view text);
  // One line to standard error; failures are of no consequence. Any thread.
  void message(std::string_view line);

  // Shows a status line, cut to the terminal's width; ignored where standard error is no terminal. `make` is called
  // only when the line is due to be redrawn (ten times a second).
  void status(const std::function<std::string(std::size_t columns)>& make);
  void clear_status();

 private:
  void write_error(std::string_view text) const;
  void erase() const;

  int out_;
  int error_;
  bool out_is_terminal_;
  bool error_is_terminal_;
  std::mutex error_mutex_;  // guards what follows
  std::string status_;
  std::chrono::steady_clock::time_point drawn_{};
};

}  // namespace amanuensis::cli
