// Work for the fleet: a JetStream stream from which a message goes when it is acknowledged, with a consumer for each
// priority that all workers share. There is at most one message of a name at a time. Any thread; calls block and throw
// Error{kNetwork} while there is no server or no majority of servers.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fleet/nats/connection.h"

namespace amanuensis::fleet {

enum class Priority { kHigh, kNormal, kLow };
inline constexpr std::array<Priority, 3> kPriorities{Priority::kHigh, Priority::kNormal, Priority::kLow};
// "high", "normal", "low".
std::string_view to_string(Priority priority);
std::optional<Priority> parse_priority(std::string_view text);

// A message that this process is to work on. It comes again, to anybody, when neither progress nor an end is told
// within the queue's ack_wait. Any thread.
class Delivery {
 public:
  // `answer_to` is the subject that JetStream gave with the message. The connection must outlive the object.
  Delivery(Connection& connection, std::string answer_to, std::string_view data);

  const std::string& data() const { return data_; }
  // How often it has been handed out, this time counted.
  std::uint64_t delivered() const { return delivered_; }

  // Still at it.
  void in_progress();
  // Done, and known to be done: throws Error{kNetwork} when the server does not confirm it.
  void ack();
  // Somebody is to begin it again, after the delay. Failures are of no consequence: it then comes after ack_wait.
  void give_back(std::chrono::milliseconds delay);

 private:
  Connection& connection_;
  const std::string answer_to_;
  const std::string data_;
  const std::uint64_t delivered_;
};

struct WorkQueueOptions {
  std::string name = "amanuensis";  // of the stream, and the first part of its subjects
  // Copies of what is stored, in a cluster; 0: three in a cluster, one on a single server.
  int replicas = 0;
  std::chrono::milliseconds ack_wait{30'000};
};

struct QueueDepth {
  std::uint64_t waiting = 0;  // for the first time or again
  std::uint64_t handed_out = 0;
};

class WorkQueue {
 public:
  // Makes stream and consumers when there are none.
  WorkQueue(Connection& connection, WorkQueueOptions options);
  ~WorkQueue();
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  // False when a message of that name and priority is there already.
  bool put(Priority priority, const std::string& name, std::string_view data);
  bool contains(Priority priority, const std::string& name);
  // Takes it out, whether it waits or is handed out; none is no error.
  void remove(Priority priority, const std::string& name);
  // What is there now, at most so many; takes one question and its answer.
  std::vector<std::unique_ptr<Delivery>> take(Priority priority, std::size_t most);
  QueueDepth depth(Priority priority);

  std::chrono::milliseconds ack_wait() const { return options_.ack_wait; }
  // What a cluster keeps of each message.
  int replicas() const { return replicas_; }

 private:
  std::string subject(Priority priority, const std::string& name) const;
  void make_consumers();

  Connection& connection_;
  const WorkQueueOptions options_;
  const std::string stream_;
  int replicas_ = 1;
  struct Consumer;
  std::array<std::unique_ptr<Consumer>, kPriorities.size()> consumers_;
};

}  // namespace amanuensis::fleet
