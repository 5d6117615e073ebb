// The server's log: lines for people or, with json, one object a line; request lines carry the request's id. Any
// thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace amanuensis::server {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// A name and its value; values are text.
using LogFields = std::vector<std::pair<std::string_view, std::string>>;

class Log {
 public:
  // Writes to the file descriptor, which stays the caller's.
  Log(int descriptor, bool json);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void set_level(LogLevel level);
  // Control characters in the fields are escaped: a client cannot forge lines.
  void write(LogLevel level, std::string_view event, const LogFields& fields);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace amanuensis::server
