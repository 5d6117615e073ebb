#include "server/http/events.h"

#include <algorithm>

namespace amanuensis::server {

std::string event_text(const SentEvent& event) {
  std::string text;
  if (!event.name.empty()) text.append("event: ").append(event.name).append("\n");
  if (!event.id.empty()) text.append("id: ").append(event.id).append("\n");
  std::string_view rest = event.data;
  do {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    text.append("data: ").append(rest.substr(0, end)).append("\n");
    rest.remove_prefix(std::min(rest.size(), end + 1));
  } while (!rest.empty());
  return text + "\n";
}

Response event_response(std::function<Task<void>(Sink&)> stream) {
  return {.status = 200,
          .headers = {{"content-type", "text/event-stream; charset=utf-8"},
                      {"cache-control", "no-store"},
                      {"x-accel-buffering", "no"}},
          .body = {},
          .stream = std::move(stream)};
}

}  // namespace amanuensis::server
