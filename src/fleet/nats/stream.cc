#include "fleet/nats/stream.h"

#include <fmt/format.h>

#include <utility>

#include "fleet/nats/status.h"

namespace amanuensis::fleet {
namespace {

constexpr int kReplicasInACluster = 3;
constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

struct StreamInfoFree {
  void operator()(jsStreamInfo* info) const { jsStreamInfo_Destroy(info); }
};
using StreamInfoPtr = std::unique_ptr<jsStreamInfo, StreamInfoFree>;

struct SubscriptionFree {
  void operator()(natsSubscription* subscription) const {
    natsSubscription_Unsubscribe(subscription);
    natsSubscription_Destroy(subscription);
  }
};
using SubscriptionPtr = std::unique_ptr<natsSubscription, SubscriptionFree>;

struct Asked {
  natsStatus status = NATS_OK;
  jsErrCode code = static_cast<jsErrCode>(0);
  StreamInfoPtr info;
};

Asked ask_stream(Connection& connection, const std::string& name) {
  Asked asked;
  jsStreamInfo* raw = nullptr;
  asked.status = js_GetStreamInfo(&raw, connection.jetstream(), name.c_str(), nullptr, &asked.code);
  asked.info.reset(raw);
  return asked;
}

Asked add_stream(Connection& connection, const StreamOptions& options, int replicas) {
  const char* subjects[] = {options.subjects.c_str()};
  jsStreamConfig config;
  jsStreamConfig_Init(&config);
  config.Name = options.name.c_str();
  config.Subjects = subjects;
  config.SubjectsLen = 1;
  config.Replicas = replicas;
  config.Storage = js_FileStorage;
  if (options.work_queue) config.Retention = js_WorkQueuePolicy;
  config.MaxMsgsPerSubject = options.max_per_subject;
  config.MaxBytes = options.max_bytes;
  config.MaxAge = options.max_age.count() * kNanosecondsPerSecond;
  Asked asked;
  jsStreamInfo* raw = nullptr;
  asked.status = js_AddStream(&raw, connection.jetstream(), &config, nullptr, &asked.code);
  asked.info.reset(raw);
  return asked;
}

int replicas_of(const Asked& asked) { return static_cast<int>(asked.info->Config->Replicas); }

}  // namespace

int ensure_stream(Connection& connection, const StreamOptions& options) {
  const std::string doing = fmt::format("stream '{}'", options.name);
  Asked asked = ask_stream(connection, options.name);
  if (asked.status == NATS_OK) return replicas_of(asked);
  if (asked.status == NATS_NO_RESPONDERS || asked.code == JSNotEnabledErr || asked.code == JSNotEnabledForAccountErr) {
    throw Error(ErrorCode::kUnsupported, fmt::format("NATS: {} has no JetStream; start nats-server with -js",
                                                     without_password(connection.settings().servers)));
  }
  if (asked.status != NATS_NOT_FOUND) check(asked.status, doing, asked.code);
  asked = add_stream(connection, options, options.replicas == 0 ? kReplicasInACluster : options.replicas);
  if (asked.code == JSStreamReplicasNotSupportedErr && options.replicas == 0)
    asked = add_stream(connection, options, 1);
  if (asked.status == NATS_OK) return replicas_of(asked);
  if (asked.code == JSStreamReplicasNotSupportedErr || asked.code == JSClusterNoPeersErr) {
    throw Error(ErrorCode::kUnsupported,
                fmt::format("NATS: {}: the servers cannot keep {} copies; choose fewer with --replicas", doing,
                            options.replicas == 0 ? kReplicasInACluster : options.replicas));
  }
  // Somebody else may have made it at the same time.
  Asked again = ask_stream(connection, options.name);
  if (again.status != NATS_OK) check(asked.status, doing, asked.code);
  return replicas_of(again);
}

void store(Connection& connection, const std::string& subject, std::string_view data, const std::string& id) {
  jsPubOptions options;
  jsPubOptions_Init(&options);
  if (!id.empty()) options.MsgId = id.c_str();
  jsErrCode code = static_cast<jsErrCode>(0);
  const natsStatus status = js_Publish(nullptr, connection.jetstream(), subject.c_str(), data.data(),
                                       static_cast<int>(data.size()), &options, &code);
  check(status, fmt::format("storing '{}'", subject), code);
}

std::uint64_t count_messages(Connection& connection, const std::string& stream) {
  const Asked asked = ask_stream(connection, stream);
  check(asked.status, fmt::format("stream '{}'", stream), asked.code);
  return asked.info->State.Msgs;
}

void read_stream(Connection& connection, const std::string& subject,
                 const std::function<void(const std::string& subject, std::string_view data)>& visit) {
  const std::string doing = fmt::format("reading '{}'", subject);
  jsSubOptions options;
  jsSubOptions_Init(&options);
  options.Ordered = true;
  natsSubscription* raw = nullptr;
  jsErrCode code = static_cast<jsErrCode>(0);
  check(js_SubscribeSync(&raw, connection.jetstream(), subject.c_str(), nullptr, &options, &code), doing, code);
  const SubscriptionPtr subscription(raw);
  jsConsumerInfo* info = nullptr;
  check(natsSubscription_GetConsumerInfo(&info, raw, nullptr, &code), doing, code);
  std::uint64_t left = info->NumPending + info->Delivered.Consumer;
  jsConsumerInfo_Destroy(info);
  for (; left > 0; --left) {
    natsMsg* message = nullptr;
    check(natsSubscription_NextMsg(&message, raw, connection.settings().request_timeout.count()), doing);
    const MsgPtr kept(message);
    visit(natsMsg_GetSubject(message), data_of(message));
  }
}

struct StreamReader::State {
  ~State() {
    if (subscription == nullptr) return;
    natsSubscription_Drain(subscription);
    natsSubscription_WaitForDrainCompletion(subscription, 2000);
    natsSubscription_Destroy(subscription);
  }
  natsSubscription* subscription = nullptr;
  std::function<void(std::string_view)> on_message;
};

StreamReader::StreamReader(Connection& connection, const std::string& subject,
                           std::function<void(std::string_view data)> on_message)
    : state_(std::make_unique<State>()) {
  state_->on_message = std::move(on_message);
  jsSubOptions options;
  jsSubOptions_Init(&options);
  options.Ordered = true;
  jsErrCode code = static_cast<jsErrCode>(0);
  const auto call = [](natsConnection*, natsSubscription*, natsMsg* raw, void* closure) {
    const MsgPtr message(raw);
    static_cast<State*>(closure)->on_message(data_of(raw));
  };
  check(js_Subscribe(&state_->subscription, connection.jetstream(), subject.c_str(), call, state_.get(), nullptr,
                     &options, &code),
        fmt::format("following '{}'", subject), code);
}

StreamReader::~StreamReader() = default;

void remove_last(Connection& connection, const std::string& stream, const std::string& subject) {
  const std::string doing = fmt::format("removing '{}'", subject);
  natsMsg* raw = nullptr;
  jsErrCode code = static_cast<jsErrCode>(0);
  natsStatus status = js_GetLastMsg(&raw, connection.jetstream(), stream.c_str(), subject.c_str(), nullptr, &code);
  if (status == NATS_NOT_FOUND) return;
  check(status, doing, code);
  const MsgPtr message(raw);
  status = js_DeleteMsg(connection.jetstream(), stream.c_str(), natsMsg_GetSequence(raw), nullptr, &code);
  // It may have gone by itself meanwhile.
  if (status != NATS_NOT_FOUND && code != JSSequenceNotFoundErr && code != JSNoMessageFoundErr) {
    check(status, doing, code);
  }
}

}  // namespace amanuensis::fleet
