// The project's one exception. A message says what was wrong, with what, and what to do about it; the code says which
// kind of failure it was, so that the program can choose an exit code and the server a status.
// Immutable after construction; safe to pass between threads.
#pragma once

#include <stdexcept>
#include <string>

namespace amanuensis {

enum class ErrorCode {
  kInvalidArgument,    // the caller asked for something that makes no sense
  kNotFound,           // a file, model, tensor or language that is not there
  kBadData,            // a file that exists but is damaged or not what it claims to be
  kUnsupported,        // well-formed, but this build or machine cannot do it
  kIo,                 // the operating system refused to read or write
  kNetwork,            // a download failed
  kCancelled,          // the caller asked to stop
  kResourceExhausted,  // out of memory, disk or capacity
  kDeadlineExceeded,   // the caller gave a time by which to be done, and it passed
  kInternal,           // a defect of this program
};

class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}

  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace amanuensis
