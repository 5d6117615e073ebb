// The Stream over Boost.Asio. It is also the layer on which Beast speaks WebSocket (async_read_some, async_write_some).
// Included only by the files that touch sockets.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>
#include <utility>

#include "server/http/stream.h"

namespace amanuensis::server {

class AsioStream : public Stream, public std::enable_shared_from_this<AsioStream> {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  using executor_type = Socket::executor_type;

  // `tls` may be null: a plain connection. It must outlive the stream.
  AsioStream(Socket socket, boost::asio::ssl::context* tls);

  std::string peer_address() const override;
  Async<StreamResult> handshake() override;
  Async<StreamResult> read_some(std::span<char> into) override;
  Async<StreamResult> write(std::array<std::string_view, 2> pieces) override;
  void set_deadline(Clock::time_point deadline) override;
  void watch_peer(std::function<void()> on_gone) override;
  void stop_watching() override;
  void close() override;

  executor_type get_executor() { return socket_.get_executor(); }
  template <typename Buffers, typename Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return tls_ ? tls_->async_read_some(buffers, std::forward<Token>(token))
                : socket_.async_read_some(buffers, std::forward<Token>(token));
  }
  template <typename Buffers, typename Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return tls_ ? tls_->async_write_some(buffers, std::forward<Token>(token))
                : socket_.async_write_some(buffers, std::forward<Token>(token));
  }
  Socket& socket() { return socket_; }

 private:
  StreamResult result_of(const boost::system::error_code& problem, std::size_t size) const;
  void look_at_peer();
  bool peer_has_gone();

  Socket socket_;
  std::unique_ptr<boost::asio::ssl::stream<Socket&>> tls_;
  std::string address_;
  boost::asio::steady_timer deadline_;
  boost::asio::steady_timer next_look_;
  bool timed_out_ = false;
  bool closed_ = false;
  std::function<void()> on_gone_;
  unsigned watch_number_ = 0;  // tells a watch that has ended from the present one
};

}  // namespace amanuensis::server
