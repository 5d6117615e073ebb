// The fleet as a whole, as everybody sees it who has its address: the jobs' table, the work, the dead letters, what
// workers tell about themselves. All its state is in NATS; any number of processes may do all of this at once. Any
// thread; calls block and throw Error{kNetwork} while there is no server or no majority of servers.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fleet/job.h"
#include "fleet/nats/connection.h"
#include "fleet/nats/table.h"
#include "fleet/nats/work_queue.h"

namespace amanuensis::fleet {

struct FleetSettings {
  NatsSettings nats;
  std::string stream = "amanuensis";  // letters, digits, '-', '_'; several fleets may share the servers
  int replicas = 0;                   // as WorkQueueOptions has it
  // Work that nobody says anything about for so long is begun again by somebody else.
  std::chrono::milliseconds ack_wait{30'000};
  // A job that was begun so often without an end is a dead letter.
  std::int64_t max_attempts = 5;
};

// Asks no server. Throws Error{kInvalidArgument} for settings with which no fleet can ever be found.
void check_settings(const FleetSettings& settings);

// What a message in the work queue says.
struct WorkItem {
  enum class Kind { kJob, kRange, kMerge };
  std::string job;
  std::int64_t epoch = 1;
  Kind kind = Kind::kJob;
  std::size_t range = 0;
};
std::string work_json(const WorkItem& item);
// Throws Error{kBadData}.
WorkItem parse_work(std::string_view json);

class Fleet {
 public:
  // Connects, and makes what is missing. Throws Error{kInvalidArgument} for a stream's name that makes no sense.
  explicit Fleet(const FleetSettings& settings);
  ~Fleet();
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  // Accepts a job, once: false when there is one of its id. Either way `job` is what the table has then, and what is
  // queued has its work in the queue.
  bool submit(Job& job);
  std::optional<Job> find(const std::string& id);
  // Reads a job, lets `change` alter it and writes it back, again and again until nobody else has changed it in
  // between. `change` returns false to leave it. The job as it is then; nothing when there is none.
  std::optional<Job> update(const std::string& id, const std::function<bool(Job&)>& change);
  // Of all jobs, in no order.
  void each(const std::function<void(const Job&)>& visit);
  // False when it is over already, or not there.
  bool cancel(const std::string& id);
  // Begins a job again that has failed or was cancelled; false when it has not, or is not there.
  bool retry(const std::string& id);
  // What is known about it goes; the recording and the results stay.
  void remove(const std::string& id);

  // Puts work into the queue unless it is there.
  void queue(const Job& job, const WorkItem& item);
  // Workers that have nothing to do look into the queue now.
  void tell_of_work();
  // Ends a job for good, and keeps why where people look for it.
  void bury(const std::string& id, std::int64_t epoch, std::string_view code, const std::string& reason);
  // {"id", "name", "source", "code", "reason", "failures", "attempt"} of each job that was given up.
  std::vector<std::string> dead_letters();
  // Queued jobs whose work is not in the queue (whoever submitted them died in between) get it back; how many did.
  std::size_t requeue_lost();

  Connection& connection() { return *connection_; }
  Table& table() { return *table_; }
  WorkQueue& work() { return *work_; }
  const FleetSettings& settings() const { return settings_; }
  std::string subject(std::string_view rest) const;

 private:
  void take_out(const Job& job);

  const FleetSettings settings_;
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<WorkQueue> work_;
  std::unique_ptr<Table> table_;
};

// The name of a piece of work in the queue.
std::string work_name(const WorkItem& item);

}  // namespace amanuensis::fleet
