#include "fleet/nats/work_queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
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
// For an answer; what comes later is kept for the next who asks.
constexpr std::chrono::milliseconds kLongestAnswer(2000);
constexpr std::array<std::string_view, kPriorities.size()> kNames{"high", "normal", "low"};

// "$JS.ACK.STREAM.CONSUMER.DELIVERED...." with nine parts, or "$JS.ACK.DOMAIN.ACCOUNT.STREAM.CONSUMER.DELIVERED....".
std::uint64_t deliveries_in(std::string_view answer_to) {
  std::vector<std::string_view> parts;
  while (!answer_to.empty()) {
    const std::size_t end = std::min(answer_to.find('.'), answer_to.size());
    parts.push_back(answer_to.substr(0, end));
    answer_to.remove_prefix(std::min(end + 1, answer_to.size()));
  }
  const std::size_t place = parts.size() == 9 ? 4 : 6;
  std::uint64_t count = 0;
  if (place < parts.size()) std::from_chars(parts[place].data(), parts[place].data() + parts[place].size(), count);
  return count;
}

}  // namespace

std::string_view to_string(Priority priority) { return kNames[static_cast<std::size_t>(priority)]; }

std::optional<Priority> parse_priority(std::string_view text) {
  const auto found = std::find(kNames.begin(), kNames.end(), text);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Priority>(found - kNames.begin());
}

Delivery::Delivery(Connection& connection, std::string answer_to, std::string_view data)
    : connection_(connection), answer_to_(std::move(answer_to)), data_(data), delivered_(deliveries_in(answer_to_)) {}

void Delivery::in_progress() {
  try {
    connection_.publish(answer_to_, "+WPI");
  } catch (const Error&) {
    return;  // without a server it comes again to somebody; there is nothing to be done about it here
  }
}

void Delivery::ack() {
  natsMsg* raw = nullptr;
  const natsStatus status = natsConnection_RequestString(&raw, connection_.handle(), answer_to_.c_str(), "+ACK",
                                                         connection_.settings().request_timeout.count());
  const MsgPtr confirmed(raw);
  check(status, "confirming that a job is done");
}

void Delivery::give_back(std::chrono::milliseconds delay) {
  try {
    connection_.publish(answer_to_, delay.count() > 0
                                        ? fmt::format(R"(-NAK {{"delay": {}}})", delay.count() * kNanosecondsPerMs)
                                        : "-NAK");
  } catch (const Error&) {
    return;
  }
}

// Asks for what is there, and for nothing that comes later: the library's own fetching waits for at least one message.
struct WorkQueue::Consumer {
  ~Consumer() { natsSubscription_Destroy(subscription); }
  std::mutex mutex;  // one asks at a time
  natsSubscription* subscription = nullptr;
  std::string next;   // where messages are asked for
  std::string inbox;  // a request's answers come to "INBOX.NUMBER"
  std::uint64_t requests = 0;
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
    consumer->next = fmt::format("$JS.API.CONSUMER.MSG.NEXT.{}.{}", stream_, name);
    natsInbox* inbox = nullptr;
    check(natsInbox_Create(&inbox), doing);
    consumer->inbox = inbox;
    natsInbox_Destroy(inbox);
    check(natsConnection_SubscribeSync(&consumer->subscription, connection_.handle(), (consumer->inbox + ".*").c_str()),
          doing);
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
  const std::string answers = fmt::format("{}.{}", consumer.inbox, ++consumer.requests);
  const std::string request = fmt::format(R"({{"batch": {}, "no_wait": true}})", most);
  if (!connection_.connected()) throw Error(ErrorCode::kNetwork, "NATS: taking work: there is no server");
  check(natsConnection_PublishRequest(connection_.handle(), consumer.next.c_str(), answers.c_str(), request.data(),
                                      static_cast<int>(request.size())),
        "taking work");
  std::vector<std::unique_ptr<Delivery>> deliveries;
  const auto give_up = std::chrono::steady_clock::now() + kLongestAnswer;
  while (deliveries.size() < most) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(give_up - std::chrono::steady_clock::now());
    natsMsg* raw = nullptr;
    const natsStatus status =
        natsSubscription_NextMsg(&raw, consumer.subscription, std::max<std::int64_t>(left.count(), 1));
    const MsgPtr message(raw);
    if (status != NATS_OK && !deliveries.empty()) break;
    if (status == NATS_TIMEOUT && connection_.connected()) break;
    check(status, "taking work");
    // Work keeps its own subject; what the server says of a request (that there is no more) comes to the request's.
    const std::string_view subject = natsMsg_GetSubject(raw);
    if (subject == answers) break;
    if (subject.starts_with(consumer.inbox)) continue;  // of an earlier request
    const char* answer_to = natsMsg_GetReply(raw);
    if (answer_to == nullptr) continue;  // not the queue's
    deliveries.push_back(std::make_unique<Delivery>(connection_, answer_to, data_of(raw)));
  }
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
