// Where jobs are kept: what it has accepted survives the process. Two implementations: one SQLite file for one server
// (sqlite_job_store.h), or the table of a fleet that any number of servers share (fleet_job_store.h). Belongs to one
// thread at a time; the server gives it a thread of its own. Calls may block.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/work/work.h"

namespace amanuensis::server {

struct JobRecord {
  std::string id;
  WorkStatus status = WorkStatus::kQueued;
  std::int64_t created_ms = 0;  // since 1970, as all
  std::optional<std::int64_t> started_ms;
  std::optional<std::int64_t> ended_ms;
  std::int64_t attempt = 1;
  std::string owner;  // the name of the key that made it; empty: made without one
  std::string name;   // of the recording, as its client calls it
  std::string audio;  // its file's name in the audio folder, or its address; empty: not kept, or still to be fetched
  std::int64_t size_bytes = 0;
  std::string url;      // where it is fetched from; empty: it was uploaded
  std::string model;    // an installed model's id
  std::string options;  // JSON object, as the client's form
  std::string webhook_url;
  std::string language;
  double duration_s = 0;
  double processing_s = 0;
  std::string warning;
  std::string error;  // JSON object; empty: none
  std::int64_t segments = 0;
  // How far it is, where the store knows that of a job that runs.
  double audio_done_s = 0;
};

struct JobFilter {
  std::vector<WorkStatus> statuses = {};  // empty: all
  std::optional<std::string> owner = std::nullopt;
  std::string search = {};
  std::string after = {};  // an id: only what is older
  std::size_t limit = 50;
};

struct WebhookDelivery {
  std::string job_id;
  std::string url;
  std::int64_t attempt = 0;
  std::int64_t next_ms = 0;
};

class JobStore {
 public:
  virtual ~JobStore() = default;

  // Kept when it returns. Throws Error{kResourceExhausted} when the disk is full.
  virtual void insert(const JobRecord& job) = 0;
  virtual std::optional<JobRecord> find(const std::string& id) = 0;
  // Newest first.
  virtual std::vector<JobRecord> list(const JobFilter& filter) = 0;
  // Result and status together. False when the job is over already, or gone.
  virtual bool finish(const JobRecord& job, const std::optional<std::string>& transcript) = 0;
  // As full_json() wrote it.
  virtual std::optional<std::string> transcript(const std::string& id) = 0;
  // False when there was none.
  virtual bool remove(const std::string& id) = 0;
  // Jobs that were over before that time.
  virtual std::vector<JobRecord> over_before(std::int64_t ended_ms) = 0;
  virtual std::int64_t count(WorkStatus status) = 0;
  // Of all recordings that are kept.
  virtual std::int64_t audio_bytes() = 0;

  // Where several servers share the jobs, what one is given the others are not, for a while.
  virtual std::vector<WebhookDelivery> webhooks_due(std::int64_t now_ms) = 0;
  // The first that is due after that time.
  virtual std::optional<std::int64_t> next_webhook_ms(std::int64_t after_ms) = 0;
  virtual void retry_webhook(const std::string& job_id, std::int64_t next_ms) = 0;
  virtual void end_webhook(const std::string& job_id) = 0;
};

}  // namespace amanuensis::server
