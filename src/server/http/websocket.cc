#include "server/http/websocket.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <cctype>
#include <deque>

#include "server/http/asio_stream.h"
#include "server/http/http_error.h"

namespace amanuensis::server {

namespace beast = boost::beast;
using boost::system::error_code;

// What Beast asks of a stream's owner: how a connection ends, and how it is ended in haste.
inline void beast_close_socket(AsioStream& stream) { stream.close(); }
inline void teardown(beast::role_type, AsioStream& stream, error_code& problem) {
  stream.close();
  problem = {};
}
template <typename Handler>
void async_teardown(beast::role_type, AsioStream& stream, Handler&& handler) {
  stream.close();
  boost::asio::post(stream.get_executor(),
                    [handler = std::forward<Handler>(handler)]() mutable { handler(error_code()); });
}

namespace {

// A browser that names protocols wants one of them chosen: the first that is no place for a key.
std::string chosen_protocol(std::string_view offered) {
  while (!offered.empty()) {
    std::string_view name = offered.substr(0, offered.find(','));
    offered.remove_prefix(std::min(offered.size(), name.size() + 1));
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    if (!name.empty() && !name.starts_with("openai-insecure-api-key.")) return std::string(name);
  }
  return {};
}

class BeastWebSocket : public WebSocket, public std::enable_shared_from_this<BeastWebSocket> {
 public:
  BeastWebSocket(std::shared_ptr<AsioStream> stream, WebSocketLimits limits)
      : stream_(std::move(stream)), limits_(limits), socket_(*stream_) {
    socket_.read_message_max(limits_.message_bytes);
    socket_.set_option(beast::websocket::stream_base::timeout{.handshake_timeout = std::chrono::seconds(10),
                                                              .idle_timeout = std::chrono::seconds(60),
                                                              .keep_alive_pings = true});
  }

  Async<bool> accept(const Request& request, const Response& response) {
    beast::http::request<beast::http::empty_body> upgrade;
    upgrade.method(beast::http::verb::get);
    upgrade.version(11);
    upgrade.target(request.path);
    for (const auto& [name, value] : request.headers) upgrade.set(name, value);
    socket_.set_option(beast::websocket::stream_base::decorator([&](beast::websocket::response_type& reply) {
      reply.set("x-request-id", request.id);
      for (const auto& [name, value] : response.headers) reply.set(name, value);
      const std::string protocol = chosen_protocol(request.header("sec-websocket-protocol"));
      if (!protocol.empty()) reply.set("sec-websocket-protocol", protocol);
    }));
    return Async<bool>([this, upgrade = std::move(upgrade)](Async<bool>::Resolve resolve) {
      auto kept = std::make_shared<beast::http::request<beast::http::empty_body>>(upgrade);
      socket_.async_accept(*kept, [self = shared_from_this(), kept,
                                   resolve = std::move(resolve)](const error_code& problem) { resolve(!problem); });
    });
  }

  Task<std::optional<WebSocketMessage>> read() override {
    if (ended_) co_return std::nullopt;
    Async<bool> arrived([this](Async<bool>::Resolve resolve) {
      socket_.async_read(buffer_, [self = shared_from_this(), resolve = std::move(resolve)](
                                      const error_code& problem, std::size_t) { resolve(!problem); });
    });
    const bool got = co_await arrived;
    if (!got) {
      ended_ = true;
      co_return std::nullopt;
    }
    WebSocketMessage message{.is_text = socket_.got_text(), .data = beast::buffers_to_string(buffer_.data())};
    buffer_.clear();
    co_return message;
  }

  void send(std::string text) override {
    if (ended_ || closing_) return;
    waiting_bytes_ += text.size();
    if (waiting_bytes_ > limits_.waiting_bytes) {
      ended_ = true;
      stream_->close();
      return;
    }
    waiting_.push_back(std::move(text));
    write_next();
  }

  void close(int code, std::string reason) override {
    if (closing_) return;
    closing_ = true;
    reason_ = beast::websocket::close_reason(static_cast<beast::websocket::close_code>(code),
                                             reason.substr(0, beast::websocket::reason_string::static_capacity));
    write_next();
  }

 private:
  void write_next() {
    if (writing_ || ended_) return;
    if (waiting_.empty()) {
      if (closing_) {
        writing_ = true;
        socket_.async_close(reason_, [self = shared_from_this()](const error_code&) {
          self->ended_ = true;
          self->stream_->close();
        });
      }
      return;
    }
    writing_ = true;
    socket_.text(true);
    socket_.async_write(boost::asio::buffer(waiting_.front()),
                        [self = shared_from_this()](const error_code& problem, std::size_t) {
                          self->writing_ = false;
                          self->waiting_bytes_ -= self->waiting_.front().size();
                          self->waiting_.pop_front();
                          if (problem) {
                            self->ended_ = true;
                            self->stream_->close();
                          } else {
                            self->write_next();
                          }
                        });
  }

  std::shared_ptr<AsioStream> stream_;
  WebSocketLimits limits_;
  beast::websocket::stream<AsioStream&> socket_;
  beast::flat_buffer buffer_;
  std::deque<std::string> waiting_;
  std::size_t waiting_bytes_ = 0;
  beast::websocket::close_reason reason_;
  bool writing_ = false;
  bool closing_ = false;
  bool ended_ = false;
};

bool has_token(std::string_view list, std::string_view token) {
  std::string lower(list);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower.find(token) != std::string::npos;
}

}  // namespace

bool asks_for_websocket(const Request& request) {
  return request.method == "GET" && has_token(request.header("upgrade"), "websocket") &&
         has_token(request.header("connection"), "upgrade") && !request.header("sec-websocket-key").empty();
}

Task<void> hold_websocket(std::shared_ptr<Stream> stream, const Request& request, std::string received,
                          const Response& response, WebSocketLimits limits) {
  if (!received.empty()) co_return;  // frames before the answer: not a client that speaks the protocol
  const auto socket = std::make_shared<BeastWebSocket>(std::static_pointer_cast<AsioStream>(stream), limits);
  const bool accepted = co_await socket->accept(request, response);
  if (!accepted) co_return;
  co_await response.websocket(*socket);
  socket->close(1000, {});
  // What is queued is still sent; a peer that never answers the goodbye runs into the socket's own time-out.
  while (true) {
    const auto rest = co_await socket->read();
    if (!rest) break;
  }
}

}  // namespace amanuensis::server
