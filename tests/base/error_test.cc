#include "base/error.h"

#include <gtest/gtest.h>

#include <atomic>
#include <exception>
#include <string>
#include <thread>
#include <utility>

namespace amanuensis {
namespace {

// As the scheduler and the callers do who share the error of a request. Nothing orders the two threads but the count of
// who holds the error: with a lock or with join() in between, the thread sanitizer would have nothing to look at.
TEST(ErrorTest, OneThreadReadsItAndAnotherFreesIt) {
  auto error = std::make_exception_ptr(Error(ErrorCode::kCancelled, "transcription was cancelled"));
  std::string message;
  ErrorCode code{};
  std::atomic<bool> dropped{false};
  std::jthread reader([&, held = error]() mutable {
    try {
      std::rethrow_exception(std::exchange(held, nullptr));
    } catch (const Error& caught) {
      code = caught.code();
      message = caught.what();
    }
    dropped.store(true, std::memory_order_relaxed);
  });
  while (!dropped.load(std::memory_order_relaxed)) std::this_thread::yield();
  error = nullptr;
  reader.join();
  EXPECT_EQ(code, ErrorCode::kCancelled);
  EXPECT_EQ(message, "transcription was cancelled");
}

}  // namespace
}  // namespace amanuensis
