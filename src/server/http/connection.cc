#include "server/http/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <cctype>

#include "server/http/http_error.h"
#include "server/http/random_id.h"
#include "server/http/received.h"
#include "server/http/websocket.h"

namespace amanuensis::server {

namespace beast_http = boost::beast::http;
using boost::system::error_code;

namespace {

constexpr std::size_t kSmallBufferBytes = 4 * 1024;
constexpr std::size_t kLargeBufferBytes = 64 * 1024;
constexpr std::size_t kWriteBytes = 256 * 1024;
// What is still taken of a body that nobody wants, so that the client hears the answer rather than a reset connection.
constexpr std::size_t kLingerBytes = 512u << 20;
constexpr std::chrono::seconds kLinger{15};
constexpr Clock::time_point kNever = Clock::time_point::max();

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower;
}

bool is_request_id(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
}

HttpError broken_off() {
  return HttpError({.status = 400, .message = "the request's body broke off", .code = "incomplete_body"});
}

HttpError too_large(std::size_t limit_bytes) {
  if (limit_bytes == 0) {
    return HttpError({.status = 413, .message = "this request takes no body", .code = "body_too_large"});
  }
  return HttpError(
      {.status = 413,
       .message = fmt::format("the request's body is larger than the {} bytes this server takes here", limit_bytes),
       .code = "body_too_large"});
}

}  // namespace

struct Connection::State : BodyReader, Sink {
  using Parser = beast_http::request_parser<beast_http::buffer_body>;

  State(HttpShared& all, std::shared_ptr<Stream> connection) : shared(all), stream(std::move(connection)) {}

  Task<std::size_t> read(std::span<char> into) override;
  Task<std::string> read_all(std::size_t limit_bytes) override;
  Task<bool> write(std::string_view bytes) override;

  Task<void> serve();
  Task<bool> read_head();
  Task<void> serve_request();
  Task<Response> answer();
  Task<void> send(Response& response);
  Task<bool> send_bytes(std::string_view head, std::string_view body);
  Task<void> send_stream(Response& response, std::string head);
  Task<void> linger();
  std::string head_of(const Response& response, bool chunked);
  void take_header();
  void set_body_limit();
  void abandon();
  Task<bool> receive(std::size_t room_bytes, Clock::time_point deadline);
  Task<void> receive_body(std::size_t room_bytes);
  bool body_is_done() const { return !parser || parser->is_done(); }
  void watch_if_read();

  HttpShared& shared;
  std::shared_ptr<Stream> stream;
  Received received;
  std::unique_ptr<Parser> parser;
  Request request;
  const Route* route = nullptr;
  Clock::time_point start;
  Clock::time_point give_up = kNever;  // on the whole request
  StreamEnd last_end = StreamEnd::kNone;
  bool idle = true;
  bool keep = true;
  bool expects_continue = false;
  bool failed_head = false;  // the header made no sense
  bool chunked = false;
  bool watching = false;
  bool overdue = false;
  bool head_sent = false;
  std::optional<std::uint64_t> raw_left;  // of a streamed body whose length was promised
  int status = 0;
  std::uint64_t sent_bytes = 0;
};

Connection::Connection(HttpShared& shared, std::shared_ptr<Stream> stream)
    : state_(std::make_unique<State>(shared, std::move(stream))) {}
Connection::~Connection() = default;

Task<void> Connection::serve() { return state_->serve(); }

void Connection::close_if_idle() {
  state_->keep = false;
  if (state_->idle) state_->stream->close();
}

void Connection::abort() {
  state_->keep = false;
  state_->abandon();
  state_->stream->close();
}

Task<void> Connection::State::serve() {
  stream->set_deadline(Clock::now() + shared.limits.header);
  const StreamResult greeted = co_await stream->handshake();
  while (greeted.ok() && keep && !shared.draining) {
    const bool asked = co_await read_head();
    if (!asked) break;
    co_await serve_request();
  }
  stream->close();
}

// More bytes into `received`; false at an end, which is in last_end.
Task<bool> Connection::State::receive(std::size_t room_bytes, Clock::time_point deadline) {
  stream->set_deadline(deadline);
  const std::span<char> room = received.room(room_bytes);
  const StreamResult got = co_await stream->read_some(room);
  received.commit(got.size);
  last_end = got.end;
  co_return got.ok();
}

Task<bool> Connection::State::read_head() {
  parser = std::make_unique<Parser>();
  parser->header_limit(static_cast<std::uint32_t>(shared.limits.header_bytes));
  parser->body_limit(boost::none);
  parser->eager(false);
  idle = received.empty();
  failed_head = false;
  head_sent = false;
  request = Request();
  request.body = this;
  request.caller.address = stream->peer_address();
  route = nullptr;
  overdue = false;
  start = Clock::now();
  Clock::time_point deadline = start + (idle ? shared.limits.idle : shared.limits.header);
  if (idle) received.shrink();
  while (!parser->is_header_done()) {
    if (!received.empty()) {
      error_code problem;
      const std::string_view bytes = received.view();
      const std::size_t used = parser->put(boost::asio::const_buffer(bytes.data(), bytes.size()), problem);
      received.consume(used);
      if (problem && problem != beast_http::error::need_more) {
        failed_head = true;
        status = problem == beast_http::error::header_limit ? 431 : 400;
        co_return true;
      }
      if (parser->is_header_done()) break;
      if (received.view().size() > shared.limits.header_bytes) {
        failed_head = true;
        status = 431;
        co_return true;
      }
    }
    const bool more = co_await receive(std::max(kSmallBufferBytes, received.view().size() * 2), deadline);
    if (!more) co_return false;
    if (idle) {
      idle = false;
      start = Clock::now();
      deadline = start + shared.limits.header;
    }
  }
  idle = false;
  co_return true;
}

void Connection::State::take_header() {
  const auto& message = parser->get();
  request.method = std::string(message.method_string());
  for (const auto& field : message) {
    std::string& value = request.headers[lower_case(std::string_view(field.name_string()))];
    if (!value.empty()) value += ", ";
    value += std::string_view(field.value());
  }
  const std::string_view given_id = request.header("x-request-id");
  request.id = is_request_id(given_id) ? std::string(given_id) : random_id("req_");
  expects_continue = lower_case(request.header("expect")) == "100-continue";
  chunked = message.version() >= 11;
  keep = keep && message.keep_alive() && !shared.draining;
  parse_target(std::string_view(message.target()), request);
}

void Connection::State::set_body_limit() {
  const std::size_t limit = route->max_body_bytes;
  if (const auto length = parser->content_length(); length && *length > limit) throw too_large(limit);
  parser->body_limit(limit);
}

Task<Response> Connection::State::answer() {
  if (failed_head) {
    keep = false;
    request.id = random_id("req_");
    parser.reset();  // what follows cannot be understood
    throw HttpError({.status = status,
                     .message = status == 431 ? fmt::format("the request's header is larger than {} bytes",
                                                            shared.limits.header_bytes)
                                              : "the request is not HTTP that this server understands",
                     .code = status == 431 ? "header_too_large" : "bad_request"});
  }
  take_header();
  Router::Match match = shared.router.find(request.method, request.path);
  if (match.route == nullptr && request.method == "OPTIONS") {
    Response response{.status = 204, .headers = {{"allow", match.allowed.empty() ? "OPTIONS" : match.allowed}}};
    co_return response;
  }
  if (match.route == nullptr) {
    if (match.allowed.empty()) {
      throw HttpError({.status = 404,
                       .message = fmt::format("there is nothing at {} {}; GET /openapi.json lists what there is",
                                              request.method, request.path),
                       .code = "unknown_url"});
    }
    throw HttpError(
        {.status = 405,
         .message = fmt::format("{} cannot be done to {}, only {}", request.method, request.path, match.allowed),
         .code = "method_not_allowed",
         .headers = {{"allow", match.allowed}}});
  }
  route = match.route;
  request.path_values = std::move(match.values);
  shared.admit(request, *route);
  set_body_limit();
  if (body_is_done()) watch_if_read();
  Response response = co_await route->handle(request);
  co_return response;
}

// The client's going away can be seen once nothing more of its body is expected.
void Connection::State::watch_if_read() {
  if (watching || !body_is_done()) return;
  watching = true;
  stream->watch_peer([this] { abandon(); });
}

void Connection::State::abandon() {
  if (std::exchange(request.abandoned, true)) return;
  const std::function<void()> act = std::exchange(request.on_abandon, nullptr);
  if (act) act();
}

Task<void> Connection::State::serve_request() {
  stream->set_deadline(kNever);
  watching = false;
  raw_left.reset();
  sent_bytes = 0;
  std::unique_ptr<Timer> patience;
  give_up = kNever;
  if (shared.limits.total.count() > 0) {
    give_up = Clock::now() + shared.limits.total;
    patience = shared.loop.call_after(shared.limits.total, [this] {
      overdue = true;
      abandon();
    });
  }
  Response response;
  std::exception_ptr failure;
  try {
    response = co_await answer();
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) {
    ErrorBody error = describe(failure);
    if (overdue) {
      error = {.status = 503,
               .message = fmt::format("the request took longer than the {} s this server allows",
                                      shared.limits.total.count() / 1000),
               .code = "timeout"};
    }
    if (error.status == 500) shared.on_failure(request, failure);
    response = json_response(error_json(error), error.status);
    for (const auto& [name, value] : error.headers) response.headers[name] = value;
  }
  patience.reset();
  request.when_abandoned(nullptr);
  try {
    co_await send(response);
  } catch (...) {
    keep = false;
    shared.on_failure(request, std::current_exception());
  }
  if (watching) stream->stop_watching();
  watching = false;
  shared.on_served({.request = request,
                    .route = route != nullptr ? route->path : std::string_view(),
                    .status = status,
                    .body_bytes = sent_bytes,
                    .elapsed_s = std::chrono::duration<double>(Clock::now() - start).count()});
  if (keep && !body_is_done()) keep = false;
  if (parser && !parser->is_done()) co_await linger();
}

Task<void> Connection::State::send(Response& response) {
  status = response.status;
  if (response.websocket && asks_for_websocket(request)) {
    if (watching) stream->stop_watching();
    watching = false;
    keep = false;
    status = 101;
    stream->set_deadline(kNever);
    std::string rest(received.view());
    co_await hold_websocket(stream, request, std::move(rest), response, {});
    co_return;
  }
  if (response.websocket) {
    response = json_response(error_json({.status = 426,
                                         .message = "this address speaks WebSocket: ask for an upgrade",
                                         .code = "upgrade_required"}),
                             426);
    response.headers["upgrade"] = "websocket";
    status = 426;
  }
  if (!body_is_done() && !response.stream) keep = false;
  if (shared.draining) keep = false;
  shared.finish(request, response);
  if (response.stream && request.method != "HEAD") {
    const std::string head = head_of(response, chunked);
    co_await send_stream(response, head);
    co_return;
  }
  const std::string head = head_of(response, false);
  const bool no_body = request.method == "HEAD" || response.status == 204 || response.status == 304;
  const bool sent = co_await send_bytes(head, no_body ? std::string_view() : std::string_view(response.body));
  if (!sent) keep = false;
}

Task<void> Connection::State::send_stream(Response& response, std::string head) {
  if (response.stream_bytes) {
    raw_left = *response.stream_bytes;
  } else if (!chunked) {
    keep = false;
  }
  head_sent = co_await send_bytes(head, {});
  if (!head_sent) {
    keep = false;
    abandon();
    co_return;
  }
  co_await response.stream(*this);
  const bool incomplete = request.abandoned || raw_left.value_or(0) > 0;
  if (incomplete) keep = false;
  if (incomplete || raw_left || !chunked) co_return;
  const bool ended = co_await send_bytes("0\r\n\r\n", {});
  if (!ended) keep = false;
}

std::string Connection::State::head_of(const Response& response, bool as_chunks) {
  std::string head = fmt::format("HTTP/1.1 {} {}\r\n", response.status, status_text(response.status));
  for (const auto& [name, value] : response.headers) {
    std::string clean = value;
    std::erase_if(clean, [](char c) { return c == '\r' || c == '\n'; });
    head += fmt::format("{}: {}\r\n", name, clean);
  }
  head += fmt::format("x-request-id: {}\r\n", request.id);
  if (response.stream_bytes) {
    head += fmt::format("content-length: {}\r\n", *response.stream_bytes);
  } else if (response.stream) {
    if (as_chunks) head += "transfer-encoding: chunked\r\n";
  } else if (response.status != 204 && response.status != 304) {
    head += fmt::format("content-length: {}\r\n", response.body.size());
  }
  head += keep ? "connection: keep-alive\r\n\r\n" : "connection: close\r\n\r\n";
  return head;
}

Task<bool> Connection::State::send_bytes(std::string_view head, std::string_view body) {
  sent_bytes += body.size();
  do {
    const std::string_view piece = body.substr(0, kWriteBytes);
    body.remove_prefix(piece.size());
    stream->set_deadline(Clock::now() + shared.limits.stalled);
    const std::array<std::string_view, 2> pieces{head, piece};
    const StreamResult sent = co_await stream->write(pieces);
    head = {};
    if (!sent.ok()) co_return false;
  } while (!body.empty());
  stream->set_deadline(kNever);
  co_return true;
}

Task<bool> Connection::State::write(std::string_view bytes) {
  if (request.abandoned) co_return false;
  if (bytes.empty()) co_return true;
  std::string framed;
  if (raw_left) {
    framed = bytes.substr(0, *raw_left);
    *raw_left -= framed.size();
  } else if (chunked) {
    framed = fmt::format("{:x}\r\n", bytes.size());
    framed.append(bytes);
    framed += "\r\n";
  } else {
    framed = bytes;
  }
  const bool sent = co_await send_bytes(framed, {});
  sent_bytes += bytes.size();
  if (!sent) abandon();
  co_return sent;
}

// More of the body; throws HttpError when there is none.
Task<void> Connection::State::receive_body(std::size_t room_bytes) {
  const bool more = co_await receive(room_bytes, std::min(Clock::now() + shared.limits.stalled, give_up));
  if (more) co_return;
  keep = false;
  if (last_end != StreamEnd::kTimeout) throw broken_off();
  overdue = overdue || Clock::now() >= give_up;
  throw HttpError(
      {.status = 408,
       .message = fmt::format("nothing of the request's body arrived for {} s", shared.limits.stalled.count() / 1000),
       .code = "timeout"});
}

Task<std::size_t> Connection::State::read(std::span<char> into) {
  if (body_is_done() || into.empty()) co_return 0;
  if (std::exchange(expects_continue, false) && received.empty()) {
    const bool sent = co_await send_bytes("HTTP/1.1 100 Continue\r\n\r\n", {});
    if (!sent) throw broken_off();
  }
  auto& body = parser->get().body();
  body.data = into.data();
  body.size = into.size();
  body.more = true;
  while (!parser->is_done()) {
    if (received.empty()) co_await receive_body(kLargeBufferBytes);
    error_code problem;
    const std::string_view bytes = received.view();
    const std::size_t used = parser->put(boost::asio::const_buffer(bytes.data(), bytes.size()), problem);
    received.consume(used);
    const std::size_t produced = into.size() - body.size;
    if (problem == beast_http::error::body_limit) throw too_large(route->max_body_bytes);
    if (problem && problem != beast_http::error::need_more && problem != beast_http::error::need_buffer) {
      keep = false;
      throw HttpError(
          {.status = 400, .message = "the request's body is not what its header promised", .code = "bad_request"});
    }
    if (produced > 0) {
      watch_if_read();
      co_return produced;
    }
    // The rest of a chunk's header has not arrived yet.
    if (used == 0) co_await receive_body(received.view().size() + kLargeBufferBytes);
  }
  stream->set_deadline(kNever);
  watch_if_read();
  co_return 0;
}

Task<std::string> Connection::State::read_all(std::size_t limit_bytes) {
  std::string whole;
  std::array<char, 8192> piece;
  while (true) {
    const std::size_t got = co_await read(piece);
    if (got == 0) co_return whole;
    if (whole.size() + got > limit_bytes) throw too_large(limit_bytes);
    whole.append(piece.data(), got);
  }
}

Task<void> Connection::State::linger() {
  if (last_end != StreamEnd::kNone) co_return;
  const Clock::time_point deadline = Clock::now() + kLinger;
  std::size_t taken = 0;
  while (taken < kLingerBytes) {
    received.consume(received.view().size());
    const bool more = co_await receive(kLargeBufferBytes, deadline);
    if (!more) co_return;
    taken += received.view().size();
  }
}

}  // namespace amanuensis::server
