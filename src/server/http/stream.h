// One accepted connection as bytes, plain or encrypted. Belongs to one connection, and to the loop's thread. One read
// and one write may be under way at a time.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "server/http/loop.h"
#include "server/http/task.h"

namespace amanuensis::server {

enum class StreamEnd { kNone, kClosed, kTimeout, kFailed };

struct StreamResult {
  std::size_t size = 0;
  StreamEnd end = StreamEnd::kNone;
  bool ok() const { return end == StreamEnd::kNone; }
};

class Stream {
 public:
  virtual ~Stream() = default;

  virtual std::string peer_address() const = 0;
  // For an encrypted connection; nothing for a plain one.
  virtual Async<StreamResult> handshake() = 0;
  // At least one byte, or an end.
  virtual Async<StreamResult> read_some(std::span<char> into) = 0;
  // All bytes, or an end. They must stay until then.
  virtual Async<StreamResult> write(std::array<std::string_view, 2> pieces) = 0;
  // Whatever is under way, or will be, ends with kTimeout at that time; the far end of time is none.
  virtual void set_deadline(Clock::time_point deadline) = 0;
  // Calls `on_gone` once when the peer goes away, until told to stop. Nothing may be read meanwhile.
  virtual void watch_peer(std::function<void()> on_gone) = 0;
  virtual void stop_watching() = 0;
  // Ends what is under way with kClosed; says goodbye to the peer as far as that needs no waiting.
  virtual void close() = 0;
};

}  // namespace amanuensis::server
