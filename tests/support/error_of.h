// What a call that should fail throws, as a value that matchers can look at. Header only.
#pragma once

#include <optional>
#include <ostream>
#include <string>

#include "base/error.h"

namespace amanuensis::test {

struct ThrownError {
  std::optional<ErrorCode> code;  // nothing: no Error was thrown
  std::string message;
};

inline void PrintTo(const ThrownError& error, std::ostream* out) {
  *out << (error.code ? "Error: " : "no error") << error.message;
}

// Runs `call`; exceptions other than Error pass through, and fail the test.
template <typename Call>
ThrownError error_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return {error.code(), error.what()};
  }
  return {};
}

}  // namespace amanuensis::test
