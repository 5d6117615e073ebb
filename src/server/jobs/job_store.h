// The jobs on disk: one SQLite file. What it has accepted survives the process and, as far as the disk keeps its word,
// the machine. Belongs to one thread at a time; the server gives it a thread of its own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/jobs/database.h"
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
  std::string audio;  // its file's name in the audio folder; empty: not kept, or still to be fetched
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
  // Opens or makes `file`. Throws Error{kIo | kBadData}.
  explicit JobStore(const std::filesystem::path& file);

  // On disk when it returns. Throws Error{kResourceExhausted} when the disk is full.
  void insert(const JobRecord& job);
  std::optional<JobRecord> find(const std::string& id);
  // Newest first.
  std::vector<JobRecord> list(const JobFilter& filter);
  // Queued and running ones, oldest first; each has begun once more.
  std::vector<JobRecord> take_unfinished();
  void mark_running(const std::string& id, std::int64_t started_ms);
  void set_audio(const std::string& id, const std::string& audio, std::int64_t size_bytes);
  // Result and status together. False when the job is over already, or gone.
  bool finish(const JobRecord& job, const std::optional<std::string>& transcript);
  // As full_json() wrote it.
  std::optional<std::string> transcript(const std::string& id);
  // False when there was none.
  bool remove(const std::string& id);
  // Jobs that were over before that time.
  std::vector<JobRecord> over_before(std::int64_t ended_ms);
  // The files that jobs need.
  std::vector<std::string> audio_files();
  std::int64_t count(WorkStatus status);
  // Of all recordings that are kept.
  std::int64_t audio_bytes();

  std::vector<WebhookDelivery> webhooks_due(std::int64_t now_ms);
  // The first that is due after that time.
  std::optional<std::int64_t> next_webhook_ms(std::int64_t after_ms);
  void retry_webhook(const std::string& job_id, std::int64_t next_ms);
  void end_webhook(const std::string& job_id);

 private:
  Database database_;
};

}  // namespace amanuensis::server
