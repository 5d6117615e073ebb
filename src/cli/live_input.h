// Raw audio from standard input while it is being spoken: a thread reads, so that a producer never waits for a
// transcription pass. Used by one other thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace amanuensis::cli {

enum class PcmFormat { kS16le, kF32le };

class LiveInput {
 public:
  // Reads mono samples at 16 kHz from the file descriptor until it ends or `stop` is requested. The descriptor stays
  // the caller's.
  LiveInput(int descriptor, PcmFormat format, std::stop_token stop);

  // What has arrived since the last call; waits for something. Nothing once the input has ended (or was stopped).
  // Throws Error{kIo} when it cannot be read.
  std::optional<std::vector<float>> take();

 private:
  void read(int descriptor, PcmFormat format, const std::stop_token& stop);
  void finish(std::string failure);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<float> samples_;
  bool ended_ = false;
  std::string failure_;
  std::jthread reader_;  // last: it uses all of the above
};

}  // namespace amanuensis::cli
