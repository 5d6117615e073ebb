#include "fleet/nats/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <thread>
#include <utility>

#include "fleet/nats/status.h"

namespace amanuensis::fleet {
namespace {

constexpr std::int64_t kReconnectWaitMs = 250;
constexpr std::int64_t kPingEveryMs = 3000;
// A peer that has gone without a word is noticed within this many pings.
constexpr int kPingsOut = 2;
constexpr std::chrono::milliseconds kConnectAgainAfter{200};

struct OptionsFree {
  void operator()(natsOptions* options) const { natsOptions_Destroy(options); }
};

std::vector<std::string> split_commas(const std::string& text) {
  std::vector<std::string> parts;
  std::size_t start = 0;
  while (start <= text.size()) {
    const std::size_t end = std::min(text.find(',', start), text.size());
    if (end > start) parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

std::vector<std::string> read_addresses(const std::string& given) {
  std::vector<std::string> servers = split_commas(given);
  if (servers.empty()) throw Error(ErrorCode::kInvalidArgument, "no address of a NATS server; give nats://HOST:4222");
  for (const std::string& server : servers) {
    const std::size_t scheme = server.find("://");
    if (scheme == std::string::npos || (!server.starts_with("nats://") && !server.starts_with("tls://"))) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("'{}' is no address of a NATS server; it must be like nats://HOST:4222",
                              without_password(given)));
    }
  }
  return servers;
}

void check_file(const char* what, const std::string& file) {
  if (!file.empty() && !std::ifstream(file)) {
    throw Error(ErrorCode::kInvalidArgument, fmt::format("the {} '{}' cannot be read", what, file));
  }
}

}  // namespace

void check_settings(const NatsSettings& settings) {
  read_addresses(settings.servers);
  check_file("file of NATS credentials", settings.credentials_file);
  check_file("file of NATS's authorities", settings.tls_ca_file);
}

std::string without_password(const std::string& servers) {
  std::string shown;
  for (const std::string& server : split_commas(servers)) {
    const std::size_t scheme = server.find("://");
    const std::size_t at = server.rfind('@');
    if (!shown.empty()) shown += ',';
    if (scheme == std::string::npos || at == std::string::npos) {
      shown += server;
    } else {
      shown += server.substr(0, scheme + 3) + "***" + server.substr(at);
    }
  }
  return shown;
}

struct Subscription::State {
  ~State() {
    if (subscription == nullptr) return;
    // The callback refers to this object: it goes when no call is under way and none will come.
    natsSubscription_Drain(subscription);
    natsSubscription_WaitForDrainCompletion(subscription, 2000);
    natsSubscription_Destroy(subscription);
  }
  natsSubscription* subscription = nullptr;
  Connection::OnMessage on_message;
};

Subscription::Subscription(std::unique_ptr<State> state) : state_(std::move(state)) {}
Subscription::~Subscription() = default;

Connection::Connection(const NatsSettings& settings) : settings_(settings) {
  check_settings(settings_);
  const std::vector<std::string> servers = read_addresses(settings_.servers);
  natsOptions* raw = nullptr;
  check(natsOptions_Create(&raw), "options");
  const std::unique_ptr<natsOptions, OptionsFree> options(raw);
  std::vector<const char*> names;
  names.reserve(servers.size());
  for (const std::string& server : servers) names.push_back(server.c_str());
  check(natsOptions_SetServers(raw, names.data(), static_cast<int>(names.size())), "addresses");
  check(natsOptions_SetName(raw, settings_.name.c_str()), "name");
  check(natsOptions_SetMaxReconnect(raw, -1), "options");
  check(natsOptions_SetReconnectWait(raw, kReconnectWaitMs), "options");
  check(natsOptions_SetPingInterval(raw, kPingEveryMs), "options");
  check(natsOptions_SetMaxPingsOut(raw, kPingsOut), "options");
  check(natsOptions_SetTimeout(raw, 3000), "options");
  check(natsOptions_SetFailRequestsOnDisconnect(raw, true), "options");
  check(natsOptions_SetReconnectedCB(
            raw, [](natsConnection*, void* closure) { ++static_cast<Connection*>(closure)->reconnects_; }, this),
        "options");
  if (!settings_.credentials_file.empty()) {
    check(natsOptions_SetUserCredentialsFromFiles(raw, settings_.credentials_file.c_str(), nullptr),
          fmt::format("credentials '{}'", settings_.credentials_file));
  }
  if (!settings_.tls_ca_file.empty()) {
    check(natsOptions_SetSecure(raw, true), "TLS");
    check(natsOptions_LoadCATrustedCertificates(raw, settings_.tls_ca_file.c_str()),
          fmt::format("certificates '{}'", settings_.tls_ca_file));
  }
  const auto give_up = std::chrono::steady_clock::now() + settings_.connect_timeout;
  natsStatus status = NATS_OK;
  while ((status = natsConnection_Connect(&connection_, raw)) != NATS_OK) {
    if (status == NATS_CONNECTION_AUTH_FAILED || std::chrono::steady_clock::now() >= give_up) {
      throw error_of(status, fmt::format("connecting to {}", without_password(settings_.servers)));
    }
    std::this_thread::sleep_for(kConnectAgainAfter);
  }
  jsOptions js_options;
  jsOptions_Init(&js_options);
  js_options.Wait = settings_.request_timeout.count();
  const natsStatus context = natsConnection_JetStream(&jetstream_, connection_, &js_options);
  if (context == NATS_OK) return;
  const Error error = error_of(context, "JetStream");
  close();
  throw error;
}

Connection::~Connection() { close(); }

void Connection::close() {
  jsCtx_Destroy(std::exchange(jetstream_, nullptr));
  if (connection_ != nullptr) natsConnection_Close(connection_);
  natsConnection_Destroy(std::exchange(connection_, nullptr));
}

void Connection::publish(const std::string& subject, std::string_view data) {
  check(natsConnection_Publish(connection_, subject.c_str(), data.data(), static_cast<int>(data.size())),
        fmt::format("telling '{}'", subject));
}

std::unique_ptr<Subscription> Connection::subscribe(const std::string& subject, OnMessage on_message) {
  auto state = std::make_unique<Subscription::State>();
  state->on_message = std::move(on_message);
  const auto call = [](natsConnection*, natsSubscription*, natsMsg* raw, void* closure) {
    const MsgPtr message(raw);
    static_cast<Subscription::State*>(closure)->on_message(natsMsg_GetSubject(raw), data_of(raw));
  };
  check(natsConnection_Subscribe(&state->subscription, connection_, subject.c_str(), call, state.get()),
        fmt::format("listening to '{}'", subject));
  return std::unique_ptr<Subscription>(new Subscription(std::move(state)));
}

void Connection::flush() {
  check(natsConnection_FlushTimeout(connection_, settings_.request_timeout.count()), "flushing");
}

bool Connection::connected() const { return natsConnection_Status(connection_) == NATS_CONN_STATUS_CONNECTED; }

}  // namespace amanuensis::fleet
