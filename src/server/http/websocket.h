// WebSocket conversations (RFC 6455, by Beast) on a connection that has asked for one. On the loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "server/http/message.h"
#include "server/http/stream.h"

namespace amanuensis::server {

struct WebSocketLimits {
  std::size_t message_bytes = 1 << 20;
  // Messages that wait for a peer that does not read, in bytes.
  std::size_t waiting_bytes = 4 << 20;
};

// Answers the upgrade and holds the conversation to its end; `received` are bytes that followed the request's header.

Task<void> hold_websocket(std::shared_ptr<Stream> stream, const Request& request, std::string received,
                          const Response& response, WebSocketLimits limits);

// Whether a request asks for one.
bool asks_for_websocket(const Request& request);

}  // namespace amanuensis::server
