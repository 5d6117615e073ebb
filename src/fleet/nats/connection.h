// A connection to a NATS server or cluster, with errors as Error. It reconnects for as long as it exists; while there
// is no server, calls wait for a short time and then throw Error{kNetwork}, which says that the same call may work
// later. Any thread. Subscriptions call back on threads of the library and must be destroyed before their connection.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

// The library's own names, so that its headers stay out of ours.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {
struct __natsConnection;
struct __natsSubscription;
struct __jsCtx;
}
// NOLINTEND(bugprone-reserved-identifier)

namespace amanuensis::fleet {

struct NatsSettings {
  // "nats://host:4222", several with commas; "tls://" for TLS; user and password may be part of an address.
  std::string servers = "nats://127.0.0.1:4222";
  std::string credentials_file = {};  // as `nsc` writes them: a user's JWT and seed
  std::string tls_ca_file = {};       // whom to trust besides the system's authorities
  std::string name = "amanuensis";
  // Until the first connection stands: so long is tried.
  std::chrono::milliseconds connect_timeout{10'000};
  // One request to JetStream.
  std::chrono::milliseconds request_timeout{5'000};
};

// Throws Error{kInvalidArgument} for what no server can mend: addresses that are none, files that cannot be read.
void check_settings(const NatsSettings& settings);

// An address without the password that may be in it, for messages.
std::string without_password(const std::string& servers);

class Subscription {
 public:
  ~Subscription();
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

 private:
  friend class Connection;
  struct State;
  explicit Subscription(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

class Connection {
 public:
  // Throws Error{kNetwork} when no server answers in time, kInvalidArgument for addresses that make no sense.
  explicit Connection(const NatsSettings& settings);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // To whoever listens now; lost when nobody does, and while there is no server.
  void publish(const std::string& subject, std::string_view data);
  using OnMessage = std::function<void(const std::string& subject, std::string_view data)>;
  // The callback must not throw.
  std::unique_ptr<Subscription> subscribe(const std::string& subject, OnMessage on_message);
  // Waits until everything published has reached a server.
  void flush();

  bool connected() const;
  std::uint64_t reconnects() const { return reconnects_.load(); }
  const NatsSettings& settings() const { return settings_; }

  // For the other files of this folder.
  __jsCtx* jetstream() const { return jetstream_; }
  __natsConnection* handle() const { return connection_; }

 private:
  void close();

  const NatsSettings settings_;
  std::atomic<std::uint64_t> reconnects_{0};
  __natsConnection* connection_ = nullptr;
  __jsCtx* jetstream_ = nullptr;
};

}  // namespace amanuensis::fleet
