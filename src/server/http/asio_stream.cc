#include "server/http/asio_stream.h"

#include <poll.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/write.hpp>

namespace amanuensis::server {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// How often a peer is looked at whose bytes for the next request are already here (the socket is readable then, so that
// waiting for it tells nothing).
constexpr std::chrono::milliseconds kLookEvery{200};

}  // namespace

AsioStream::AsioStream(Socket socket, asio::ssl::context* tls)
    : socket_(std::move(socket)), deadline_(socket_.get_executor()), next_look_(socket_.get_executor()) {
  error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  const auto peer = socket_.remote_endpoint(ignored);
  if (!ignored) {
    const asio::ip::address address = peer.address();
    address_ = address.is_v6() && address.to_v6().is_v4_mapped()
                   ? asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string()
                   : address.to_string();
  }
  if (tls != nullptr) tls_ = std::make_unique<asio::ssl::stream<Socket&>>(socket_, *tls);
}

std::string AsioStream::peer_address() const { return address_; }

StreamResult AsioStream::result_of(const error_code& problem, std::size_t size) const {
  if (!problem) return {.size = size, .end = StreamEnd::kNone};
  if (timed_out_) return {.size = size, .end = StreamEnd::kTimeout};
  const bool closed = closed_ || problem == asio::error::eof || problem == asio::error::connection_reset ||
                      problem == asio::error::broken_pipe || problem == asio::ssl::error::stream_truncated;
  return {.size = size, .end = closed ? StreamEnd::kClosed : StreamEnd::kFailed};
}

Async<StreamResult> AsioStream::handshake() {
  return Async<StreamResult>([this](Async<StreamResult>::Resolve resolve) {
    if (!tls_) return resolve({});
    tls_->async_handshake(asio::ssl::stream_base::server,
                          [self = shared_from_this(), resolve = std::move(resolve)](const error_code& problem) {
                            resolve(self->result_of(problem, 0));
                          });
  });
}

Async<StreamResult> AsioStream::read_some(std::span<char> into) {
  return Async<StreamResult>([this, into](Async<StreamResult>::Resolve resolve) {
    if (closed_ || timed_out_) return resolve(result_of(asio::error::operation_aborted, 0));
    async_read_some(asio::buffer(into.data(), into.size()),
                    [self = shared_from_this(), resolve = std::move(resolve)](
                        const error_code& problem, std::size_t size) { resolve(self->result_of(problem, size)); });
  });
}

Async<StreamResult> AsioStream::write(std::array<std::string_view, 2> pieces) {
  return Async<StreamResult>([this, pieces](Async<StreamResult>::Resolve resolve) {
    if (closed_ || timed_out_) return resolve(result_of(asio::error::operation_aborted, 0));
    const std::array<asio::const_buffer, 2> buffers{asio::buffer(pieces[0].data(), pieces[0].size()),
                                                    asio::buffer(pieces[1].data(), pieces[1].size())};
    asio::async_write(*this, buffers,
                      [self = shared_from_this(), resolve = std::move(resolve)](
                          const error_code& problem, std::size_t size) { resolve(self->result_of(problem, size)); });
  });
}

void AsioStream::set_deadline(Clock::time_point deadline) {
  timed_out_ = false;  // whoever sets another may still say why it gives up
  if (deadline == Clock::time_point::max()) {
    deadline_.cancel();
    return;
  }
  deadline_.expires_at(deadline);
  deadline_.async_wait([weak = weak_from_this()](const error_code& problem) {
    const auto self = weak.lock();
    if (problem || !self || self->closed_ || Clock::now() < self->deadline_.expiry()) return;
    self->timed_out_ = true;
    error_code ignored;
    self->socket_.cancel(ignored);
  });
}

bool AsioStream::peer_has_gone() {
  pollfd looked_at{socket_.native_handle(), POLLIN | POLLRDHUP, 0};
  return poll(&looked_at, 1, 0) > 0 && (looked_at.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

void AsioStream::watch_peer(std::function<void()> on_gone) {
  on_gone_ = std::move(on_gone);
  ++watch_number_;
  look_at_peer();
}

void AsioStream::look_at_peer() {
  const auto look = [weak = weak_from_this(), number = watch_number_](const error_code& problem) {
    const auto self = weak.lock();
    if (problem || !self || !self->on_gone_ || self->watch_number_ != number) return;
    if (self->peer_has_gone()) {
      const auto on_gone = std::exchange(self->on_gone_, nullptr);
      on_gone();
      return;
    }
    self->next_look_.expires_after(kLookEvery);
    self->next_look_.async_wait([weak, number](const error_code& cancelled) {
      const auto again = weak.lock();
      if (!cancelled && again && again->watch_number_ == number) again->look_at_peer();
    });
  };
  if (closed_) return;
  socket_.async_wait(Socket::wait_read, look);
}

void AsioStream::stop_watching() {
  if (!on_gone_) return;
  on_gone_ = nullptr;
  ++watch_number_;
  next_look_.cancel();
  error_code ignored;
  if (!closed_) socket_.cancel(ignored);
}

void AsioStream::close() {
  if (closed_) return;
  closed_ = true;
  deadline_.cancel();
  next_look_.cancel();
  on_gone_ = nullptr;
  error_code ignored;
  socket_.cancel(ignored);
  socket_.shutdown(Socket::shutdown_both, ignored);
  socket_.close(ignored);
}

}  // namespace amanuensis::server
