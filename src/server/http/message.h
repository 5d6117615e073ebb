// What an endpoint sees of HTTP: a request whose body it may read piece by piece, and the response it returns. Nothing
// here knows a socket. Objects belong to one connection and to the loop's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/http/loop.h"
#include "server/http/task.h"

namespace amanuensis::server {

// Header fields by name in lower case. Of fields that come twice, the values are joined with ", ".
using Headers = std::map<std::string, std::string, std::less<>>;

class BodyReader {
 public:
  virtual ~BodyReader() = default;
  // The next bytes of the body, at most into.size(); 0 at the end. Throws HttpError: 413 when it is larger than the
  // limit, 400 when it breaks off, 408 when nothing arrives.
  virtual Task<std::size_t> read(std::span<char> into) = 0;
  // The whole body, at most so large.
  virtual Task<std::string> read_all(std::size_t limit_bytes) = 0;
};

// Who asks, as far as it is known.
struct Caller {
  std::string address;   // the peer's IP address
  std::string key_name;  // of the API key that was given; empty: none
  bool admin = false;
};

struct Request {
  std::string id;  // of this request, also in the response's X-Request-ID and in the log
  std::string method;
  std::string path;  // decoded, without the query
  std::vector<std::pair<std::string, std::string>> query;
  Headers headers;
  std::map<std::string, std::string, std::less<>> path_values;  // "{id}" of the route
  Caller caller;
  BodyReader* body = nullptr;
  // The client has gone, or its time is over: nobody waits for the response.
  bool abandoned = false;
  std::function<void()> on_abandon;

  // Calls `act` when the request is abandoned, at once when it has been. One at a time; null for none.
  void when_abandoned(std::function<void()> act);
  // Empty when absent.
  std::string_view header(std::string_view lower_case_name) const;
  std::optional<std::string> query_value(std::string_view name) const;
};

// Where a streamed body goes.
class Sink {
 public:
  virtual ~Sink() = default;
  // Waits until the bytes are on their way. False when the client has gone; nothing more need be written.
  virtual Task<bool> write(std::string_view bytes) = 0;
};

// A WebSocket conversation; its messages are whole.
struct WebSocketMessage {
  bool is_text = true;
  std::string data;
};
class WebSocket {
 public:
  virtual ~WebSocket() = default;
  // The next message; nothing once the peer has closed or gone, or close() was called.
  virtual Task<std::optional<WebSocketMessage>> read() = 0;
  // Queues a text message. A peer that does not read its messages is disconnected.
  virtual void send(std::string text) = 0;
  // Says goodbye once what is queued is sent.
  virtual void close(int code, std::string reason) = 0;
};

struct Response {
  int status = 200;
  Headers headers = {};
  std::string body = {};
  // When set, the body is what this writes, as it is written.
  std::function<Task<void>(Sink&)> stream = nullptr;
  // How many bytes that is, when it is known before.
  std::optional<std::uint64_t> stream_bytes = std::nullopt;
  // When set, the connection becomes a WebSocket and this its conversation.
  std::function<Task<void>(WebSocket&)> websocket = nullptr;
};

Response json_response(std::string json, int status = 200);
Response text_response(std::string text, std::string_view content_type);

// Percent-decoding; '+' is a space where `plus_is_space`. Throws HttpError 400 for what is no UTF-8 or badly escaped.
std::string url_decode(std::string_view text, bool plus_is_space);
// Splits a request target into path and query.
void parse_target(std::string_view target, Request& request);

}  // namespace amanuensis::server
