#include "cli/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/error.h"

namespace amanuensis::cli {
namespace {

constexpr std::chrono::milliseconds kRedrawInterval{100};

// Bytes of the first `columns` characters; continuation bytes of UTF-8 take no column.
std::size_t bytes_of_columns(std::string_view text, std::size_t columns) {
  std::size_t seen = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U && ++seen > columns) return i;
  }
  return text.size();
}

}  // namespace

Terminal::Terminal(int out, int error)
    : out_(out), error_(error), out_is_terminal_(isatty(out) == 1), error_is_terminal_(isatty(error) == 1) {}

Terminal::~Terminal() { clear_status(); }

std::size_t Terminal::columns() const {
  winsize size{};
  if (ioctl(error_, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

void Terminal::out(std::string_view text) {
  const bool shares_the_screen = out_is_terminal_ && !status_.empty();
  if (shares_the_screen) erase();
  while (!text.empty()) {
    const ssize_t written = write(out_, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EPIPE) {
      throw OutputClosed();
    } else if (errno != EINTR) {
      const int number = errno;
      const bool full = number == ENOSPC || number == EDQUOT;
      throw Error(full ? ErrorCode::kResourceExhausted : ErrorCode::kIo,
                  fmt::format("standard output: {}", std::generic_category().message(number)));
    }
  }
  if (shares_the_screen) write_error(status_);
}

void Terminal::message(std::string_view line) {
  const std::scoped_lock lock(error_mutex_);
  if (!status_.empty()) erase();
  write_error(std::string(line) + "\n");
  if (!status_.empty()) write_error(status_);
}

void Terminal::status(const std::function<std::string(std::size_t)>& make) {
  if (!error_is_terminal_) return;
  const std::scoped_lock lock(error_mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (!status_.empty() && now - drawn_ < kRedrawInterval) return;
  drawn_ = now;
  // One column stays free, so that no terminal wraps the line.
  const std::size_t width = columns() - 1;
  std::string line = make(width);
  line.resize(bytes_of_columns(line, width));
  if (!status_.empty()) erase();
  status_ = std::move(line);
  write_error(status_);
}

void Terminal::clear_status() {
  const std::scoped_lock lock(error_mutex_);
  if (status_.empty()) return;
  erase();
  status_.clear();
}

void Terminal::write_error(std::string_view text) const {
  while (!text.empty()) {
    const ssize_t written = write(error_, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

void Terminal::erase() const { write_error("\r\x1b[K"); }

}  // namespace amanuensis::cli
