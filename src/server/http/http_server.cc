#include "server/http/http_server.h"

#include <fmt/format.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/ssl/context.hpp>
#include <map>
#include <unordered_map>

#include "base/error.h"
#include "server/http/asio_loop.h"
#include "server/http/asio_stream.h"

namespace amanuensis::server {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::chrono::milliseconds kAcceptAgain{50};

Error cannot_listen(const ListenOptions& options, const std::string& why) {
  return Error(ErrorCode::kIo, fmt::format("cannot listen on {} port {}: {}; choose another with --host or --port",
                                           options.host, options.port, why));
}

std::unique_ptr<asio::ssl::context> make_tls(const ListenOptions& options) {
  if (options.tls_certificate.empty()) return nullptr;
  auto context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
  const auto check = [&](const error_code& problem, const std::string& file) {
    if (problem) throw Error(ErrorCode::kBadData, fmt::format("TLS: '{}': {}", file, problem.message()));
  };
  error_code problem;
  context->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                       asio::ssl::context::no_tlsv1_1 | asio::ssl::context::no_compression);
  context->use_certificate_chain_file(options.tls_certificate, problem);
  check(problem, options.tls_certificate);
  context->use_private_key_file(options.tls_key, asio::ssl::context::pem, problem);
  check(problem, options.tls_key);
  return context;
}

}  // namespace

struct HttpServer::State : std::enable_shared_from_this<HttpServer::State> {
  State(HttpShared& all, const ListenOptions& listen)
      : shared(all),
        options(listen),
        tls(make_tls(listen)),
        context(static_cast<AsioLoop&>(all.loop).context()),
        acceptor(context) {}

  void listen();
  void accept();
  void take(tcp::socket socket);

  HttpShared& shared;
  const ListenOptions options;
  std::unique_ptr<asio::ssl::context> tls;
  asio::io_context& context;
  tcp::acceptor acceptor;
  std::unique_ptr<Timer> again;
  std::map<std::uint64_t, std::unique_ptr<Connection>> connections;
  std::unordered_map<std::string, std::size_t> by_address;
  ConnectionCounts counts;
};

void HttpServer::State::listen() {
  error_code problem;
  tcp::resolver resolver(context);
  const auto found = resolver.resolve(options.host, std::to_string(options.port),
                                      tcp::resolver::passive | tcp::resolver::numeric_service, problem);
  if (problem || found.empty()) throw cannot_listen(options, problem.message());
  const tcp::endpoint endpoint = *found.begin();
  acceptor.open(endpoint.protocol(), problem);
  if (!problem) acceptor.set_option(tcp::acceptor::reuse_address(true), problem);
  if (!problem && endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(false), problem);
  if (!problem) acceptor.bind(endpoint, problem);
  if (!problem) acceptor.listen(1024, problem);
  if (problem) throw cannot_listen(options, problem.message());
  accept();
}

void HttpServer::State::accept() {
  acceptor.async_accept([self = shared_from_this()](const error_code& problem, tcp::socket socket) {
    if (!self->acceptor.is_open()) return;
    if (problem) {
      // Out of descriptors, most likely: connections that end will free some.
      self->again = self->shared.loop.call_after(kAcceptAgain, [self] { self->accept(); });
      return;
    }
    self->take(std::move(socket));
    self->accept();
  });
}

void HttpServer::State::take(tcp::socket socket) {
  ++counts.accepted;
  const auto stream = std::make_shared<AsioStream>(std::move(socket), tls.get());
  const std::string address = stream->peer_address();
  if (connections.size() >= options.max_connections || by_address[address] >= options.max_connections_per_address) {
    ++counts.refused;
    stream->close();
    return;
  }
  ++by_address[address];
  const std::uint64_t number = counts.accepted;
  auto connection = std::make_unique<Connection>(shared, stream);
  Connection* served = connection.get();
  connections.emplace(number, std::move(connection));
  spawn(served->serve(), [self = shared_from_this(), number, address](const std::exception_ptr&) {
    const auto count = self->by_address.find(address);
    if (count != self->by_address.end() && --count->second == 0) self->by_address.erase(count);
    // Not now: the connection's own code is still on the stack.
    self->shared.loop.post([self, number] { self->connections.erase(number); });
  });
}

HttpServer::HttpServer(HttpShared& shared, const ListenOptions& options)
    : state_(std::make_shared<State>(shared, options)) {
  state_->listen();
}

HttpServer::~HttpServer() {
  error_code ignored;
  state_->again.reset();
  state_->acceptor.close(ignored);
}

std::uint16_t HttpServer::port() const { return state_->acceptor.local_endpoint().port(); }

ConnectionCounts HttpServer::counts() const {
  ConnectionCounts counts = state_->counts;
  counts.open = state_->connections.size();
  return counts;
}

void HttpServer::drain() {
  state_->shared.draining = true;
  error_code ignored;
  state_->again.reset();
  state_->acceptor.close(ignored);
  for (const auto& [number, connection] : state_->connections) connection->close_if_idle();
}

void HttpServer::abort() {
  for (const auto& [number, connection] : state_->connections) connection->abort();
}

bool HttpServer::empty() const { return state_->connections.empty(); }

}  // namespace amanuensis::server
