#include "fleet/nats/work_queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <utility>

#include "fleet/nats/status.h"
#include "fleet/nats/stream.h"

namespace amanuensis::fleet {
namespace {

constexpr std::int64_t kNanosecondsPerMs = 1'000'000;
// Of one consumer, on all workers together.
constexpr std::int64_t kMostHandedOut = 100'000;
// Longer than an answer takes, short beside any job: what comes later is kept for the next who asks.
constexpr std::chrono::milliseconds kWaitForWork(200);
constexpr std::array<std::string_view, kPriorities.size()> kNames{"high", "normal", "low"};

}  // namespace

std::string_view to_string(Priority priority) { return kNames[static_cast<std::size_t>(priority)]; }

std::optional<Priority> parse_priority(std::string_view text) {
  const auto found = std::find(kNames.begin(), kNames.end(), text);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Priority>(found - kNames.begin());
}

struct Delivery::State {
  std::mutex mutex;  // the message's own notes of whether it is acknowledged have none
  MsgPtr message;
};

Delivery::Delivery(std::unique_ptr<State> state) : state_(std::move(state)), data_(data_of(state_->message.get())) {
  jsMsgMetaData* facts = nullptr;
  if (natsMsg_GetMetaData(&facts, state_->message.get()) != NATS_OK) return;
  delivered_ = facts->NumDelivered;
  jsMsgMetaData_Destroy(facts);
}

Delivery::~Delivery() = default;

void Delivery::in_progress() {
  const std::scoped_lock lock(state_->mutex);
  // Without a server it comes again to somebody; there is nothing to be done about it here.
  natsMsg_InProgress(state_->message.get(), nullptr);
}

void Delivery::ack() {
  const std::scoped_lock lock(state_->mutex);
  jsErrCode code = static_cast<jsErrCode>(0);
  check(natsMsg_AckSync(state_->message.get(), nullptr, &code), "confirming that a job is done", code);
}

void Delivery::give_back(std::chrono::milliseconds delay) {
  const std::scoped_lock lock(state_->mutex);
  if (delay.count() > 0) {
    natsMsg_NakWithDelay(state_->message.get(), delay.count(), nullptr);
  } else {
    natsMsg_Nak(state_->message.get(), nullptr);
  }
}

struct WorkQueue::Consumer {
  ~Consumer() { natsSubscription_Destroy(subscription); }
  std::mutex mutex;  // one asks at a time
  natsSubscription* subscription = nullptr;
};

WorkQueue::WorkQueue(Connection& connection, WorkQueueOptions options)
    : connection_(connection), options_(std::move(options)), stream_(options_.name) {
  replicas_ = ensure_stream(
      connection_,
      {.name = stream_, .subjects = options_.name + ".work.>", .replicas = options_.replicas, .work_queue = true});
  make_consumers();
}

WorkQueue::~WorkQueue() = default;

void WorkQueue::make_consumers() {
  for (const Priority priority : kPriorities) {
    const std::string name(to_string(priority));
    const std::string filter = fmt::format("{}.work.{}.>", options_.name, name);
    const std::string doing = fmt::format("consumer '{}'", name);
    jsConsumerConfig config;
    jsConsumerConfig_Init(&config);
    config.Durable = name.c_str();
    config.FilterSubject = filter.c_str();
    config.AckPolicy = js_AckExplicit;
    config.AckWait = options_.ack_wait.count() * kNanosecondsPerMs;
    config.MaxAckPending = kMostHandedOut;
    config.MaxDeliver = -1;  // a job's record counts what was tried, and says why it failed
    jsErrCode code = static_cast<jsErrCode>(0);
    check(js_AddConsumer(nullptr, connection_.jetstream(), stream_.c_str(), &config, nullptr, &code), doing, code);
    auto consumer = std::make_unique<Consumer>();
    jsSubOptions options;
    jsSubOptions_Init(&options);
    options.Stream = stream_.c_str();
    options.Consumer = name.c_str();
    check(js_PullSubscribe(&consumer->subscription, connection_.jetstream(), filter.c_str(), name.c_str(), nullptr,
                           &options, &code),
          doing, code);
    consumers_[static_cast<std::size_t>(priority)] = std::move(consumer);
  }
}

std::string WorkQueue::subject(Priority priority, const std::string& name) const {
  return fmt::format("{}.work.{}.{}", options_.name, to_string(priority), name);
}

bool WorkQueue::put(Priority priority, const std::string& name, std::string_view data) {
  jsPubOptions options;
  jsPubOptions_Init(&options);
  options.ExpectNoMessage = true;
  jsErrCode code = static_cast<jsErrCode>(0);
  const natsStatus status = js_Publish(nullptr, connection_.jetstream(), subject(priority, name).c_str(), data.data(),
                                       static_cast<int>(data.size()), &options, &code);
  if (code == JSStreamWrongLastSequenceErr) return false;
  check(status, fmt::format("queueing '{}'", name), code);
  return true;
}

bool WorkQueue::contains(Priority priority, const std::string& name) {
  natsMsg* raw = nullptr;
  jsErrCode code = static_cast<jsErrCode>(0);
  const natsStatus status =
      js_GetLastMsg(&raw, connection_.jetstream(), stream_.c_str(), subject(priority, name).c_str(), nullptr, &code);
  const MsgPtr message(raw);
  if (status == NATS_NOT_FOUND) return false;
  check(status, fmt::format("looking for '{}'", name), code);
  return true;
}

void WorkQueue::remove(Priority priority, const std::string& name) {
  remove_last(connection_, stream_, subject(priority, name));
}

std::vector<std::unique_ptr<Delivery>> WorkQueue::take(Priority priority, std::size_t most) {
  Consumer& consumer = *consumers_[static_cast<std::size_t>(priority)];
  const std::scoped_lock lock(consumer.mutex);
  // Asks for what is there, and then waits a moment for what comes. (A request of one's own that does not wait but has
  // a time to expire does wait, and its end is handed out as if it were a message.)
  natsMsgList list{};
  const natsStatus status =
      natsSubscription_Fetch(&list, consumer.subscription, static_cast<int>(most), kWaitForWork.count(), nullptr);
  std::vector<std::unique_ptr<Delivery>> deliveries;
  for (int i = 0; i < list.Count; ++i) {
    auto state = std::make_unique<Delivery::State>();
    state->message.reset(std::exchange(list.Msgs[i], nullptr));
    deliveries.push_back(std::unique_ptr<Delivery>(new Delivery(std::move(state))));
  }
  natsMsgList_Destroy(&list);
  if (status == NATS_TIMEOUT && !connection_.connected()) {
    throw Error(ErrorCode::kNetwork, "NATS: taking work: there is no server");
  }
  if (deliveries.empty() && status != NATS_NOT_FOUND && status != NATS_TIMEOUT) check(status, "taking work");
  return deliveries;
}

QueueDepth WorkQueue::depth(Priority priority) {
  jsConsumerInfo* info = nullptr;
  jsErrCode code = static_cast<jsErrCode>(0);
  check(js_GetConsumerInfo(&info, connection_.jetstream(), stream_.c_str(), std::string(to_string(priority)).c_str(),
                           nullptr, &code),
        "counting work", code);
  QueueDepth depth{.waiting = info->NumPending, .handed_out = static_cast<std::uint64_t>(info->NumAckPending)};
  jsConsumerInfo_Destroy(info);
  return depth;
}

}  // namespace amanuensis::fleet
