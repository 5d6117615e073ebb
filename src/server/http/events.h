// Server-sent events (WHATWG HTML, section 9.2). Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "server/http/message.h"

namespace amanuensis::server {

struct SentEvent {
  std::string_view data;
  std::string_view name = {};  // empty: none
  std::string_view id = {};    // empty: none
};

// As it goes over the wire.
std::string event_text(const SentEvent& event);

// A comment, which keeps the connection from looking dead.
inline constexpr std::string_view kEventPing = ": still here\n\n";

// A response whose body is `stream`'s events.
Response event_response(std::function<Task<void>(Sink&)> stream);

}  // namespace amanuensis::server
