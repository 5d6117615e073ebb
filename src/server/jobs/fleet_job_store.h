// The jobs of a fleet, as a server keeps them: in the fleet's table, with their results in an object store. Any number
// of servers share them. All records stand in memory, too, and follow what happens to them anywhere, so that lists cost
// no request. Calls block; one thread at a time, but for the callback, which comes on a thread of its own.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fleet/fleet.h"
#include "fleet/recording.h"
#include "server/jobs/job_store.h"

namespace amanuensis::server {

struct FleetStoreOptions {
  std::string store;  // the address of recordings and results; every worker must see it under this address
  storage::StorageSettings storage;
};

class FleetJobStore : public JobStore {
 public:
  // Waits until all records are here. The fleet must outlive the object. Throws Error{kNetwork}.
  FleetJobStore(fleet::Fleet& fleet, FleetStoreOptions options);
  ~FleetJobStore() override;

  // A record's `audio` is the recording's address; without one, the workers fetch its `url`.
  void insert(const JobRecord& job) override;
  std::optional<JobRecord> find(const std::string& id) override;
  std::vector<JobRecord> list(const JobFilter& filter) override;
  bool finish(const JobRecord& job, const std::optional<std::string>& transcript) override;
  std::optional<std::string> transcript(const std::string& id) override;
  bool remove(const std::string& id) override;
  std::vector<JobRecord> over_before(std::int64_t ended_ms) override;
  std::int64_t count(WorkStatus status) override;
  std::int64_t audio_bytes() override;
  // What it gives is this server's for a minute.
  std::vector<WebhookDelivery> webhooks_due(std::int64_t now_ms) override;
  std::optional<std::int64_t> next_webhook_ms(std::int64_t after_ms) override;
  void retry_webhook(const std::string& job_id, std::int64_t next_ms) override;
  void end_webhook(const std::string& job_id) override;

  bool cancel(const std::string& id);
  // As this server has heard of it; asks nobody.
  std::optional<JobRecord> known(const std::string& id);
  // The address of a new recording: "STORE/audio/NAME".
  std::string audio_address(const std::string& name) const;
  fleet::Stores& stores() { return stores_; }
  const std::string& address() const { return options_.store; }
  // Called for each job that is over, as soon as that is heard; from now on.
  void on_over(std::function<void(const JobRecord&)> call);

 private:
  struct Known {
    fleet::Revision revision = 0;
    JobRecord record;
    std::optional<std::int64_t> webhook_next_ms;
    std::string result;  // the key of what came out, in this server's own store
  };
  void hear(const fleet::Table::Change& change);
  bool is_own(const fleet::Job& job) const;
  // What this server has done is in its own lists at once.
  bool wait_for(const std::string& id);
  // Removes the entry; true once everything that happened to the table before is known here.
  bool remove_and_hear(const std::string& id);
  bool is_result_wanted(const std::string& key);
  void remove_result(const std::string& id, const std::string& key);
  void remove_parts(const std::string& id);
  void forget(const std::string& id);
  void change_webhook(const std::string& id, const std::function<void(fleet::Job&)>& change);

  fleet::Fleet& fleet_;
  const FleetStoreOptions options_;
  fleet::Stores stores_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable heard_;
  bool complete_ = false;
  std::map<std::string, Known> known_;
  std::set<std::pair<std::int64_t, std::string>> by_age_;
  std::map<std::string, std::size_t> results_;  // how many jobs each result of this server's store belongs to
  struct Removals {
    std::size_t heard = 0;
    std::size_t waiting = 0;
  };
  std::map<std::string, Removals> removals_;  // of entries for whose removal somebody waits
  std::function<void(const JobRecord&)> on_over_;

  std::unique_ptr<fleet::Table::Watch> watch_;  // last: its thread uses the rest
};

// A job as the server's clients see it.
JobRecord record_of(const fleet::Job& job);

}  // namespace amanuensis::server
