// A tiny HTTP/1.1 server on a local port, for tests of the code that downloads: a handler answers each request, and an
// answer can break off or stall on purpose. One connection at a time, closed after each answer. Requests are recorded.
#pragma once

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace amanuensis::test {

struct ServerRequest {
  std::string method;
  std::string target;                          // path and query
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body = {};
};

struct ServerResponse {
  int status = 200;
  std::map<std::string, std::string> headers = {};
  std::string body = {};
  std::optional<std::size_t> cut_after_bytes = {};  // the connection closes after so much of the body
  bool hang_up = false;                             // closes without an answer
  std::chrono::milliseconds delay_each_kb{0};       // makes the body trickle
};

class HttpServer {
 public:
  using Handler = std::function<ServerResponse(const ServerRequest&)>;

  explicit HttpServer(Handler handler) : handler_(std::move(handler)), listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(listener_, 8), 0);
    socklen_t length = sizeof address;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
  }
  ~HttpServer() {
    thread_.request_stop();
    thread_.join();
    close(listener_);
  }
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::string url() const { return fmt::format("http://127.0.0.1:{}", port_); }

  std::vector<ServerRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void serve(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd waiting{listener_, POLLIN, 0};
      if (poll(&waiting, 1, 20) <= 0) continue;
      const int connection = accept(listener_, nullptr, nullptr);
      if (connection < 0) continue;
      if (const auto request = read_request(connection)) {
        {
          const std::lock_guard lock(mutex_);
          requests_.push_back(*request);
        }
        send_response(connection, *request, handler_(*request), stop);
      }
      close(connection);
    }
  }

  static std::optional<ServerRequest> read_request(int connection) {
    std::string text;
    char buffer[4096];
    while (text.find("\r\n\r\n") == std::string::npos) {
      const ssize_t got = recv(connection, buffer, sizeof buffer, 0);
      if (got <= 0) return std::nullopt;
      text.append(buffer, static_cast<std::size_t>(got));
    }
    ServerRequest request;
    request.method = text.substr(0, text.find(' '));
    const std::size_t target = request.method.size() + 1;
    request.target = text.substr(target, text.find(' ', target) - target);
    std::size_t line = text.find("\r\n") + 2;
    while (text.compare(line, 2, "\r\n") != 0) {
      const std::size_t end = text.find("\r\n", line);
      const std::size_t colon = text.find(':', line);
      std::string name = text.substr(line, colon - line);
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
      const std::size_t value = text.find_first_not_of(' ', colon + 1);
      request.headers[name] = text.substr(value, end - value);
      line = end + 2;
    }
    request.body = text.substr(line + 2);
    const auto length = request.headers.find("content-length");
    const std::size_t expected = length == request.headers.end() ? 0 : std::stoul(length->second);
    while (request.body.size() < expected) {
      const ssize_t got = recv(connection, buffer, sizeof buffer, 0);
      if (got <= 0) return std::nullopt;
      request.body.append(buffer, static_cast<std::size_t>(got));
    }
    return request;
  }

  static bool send_all(int connection, std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = send(connection, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  static void send_response(int connection, const ServerRequest& request, const ServerResponse& response,
                            const std::stop_token& stop) {
    if (response.hang_up) return;
    std::string head = fmt::format("HTTP/1.1 {} Test\r\nConnection: close\r\n", response.status);
    if (!response.headers.contains("Content-Length"))
      head += fmt::format("Content-Length: {}\r\n", response.body.size());
    for (const auto& [name, value] : response.headers) head += fmt::format("{}: {}\r\n", name, value);
    if (!send_all(connection, head + "\r\n") || request.method == "HEAD") return;
    std::string_view body(response.body);
    body = body.substr(0, response.cut_after_bytes.value_or(body.size()));
    if (response.delay_each_kb.count() == 0) {
      send_all(connection, body);
      return;
    }
    for (std::size_t at = 0; at < body.size() && !stop.stop_requested(); at += 1024) {
      if (!send_all(connection, body.substr(at, 1024))) return;
      std::this_thread::sleep_for(response.delay_each_kb);
    }
  }

  Handler handler_;
  int listener_;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::vector<ServerRequest> requests_;
  std::jthread thread_;
};

}  // namespace amanuensis::test
