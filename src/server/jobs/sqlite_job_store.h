// The jobs of one server, on disk: one SQLite file. What it has accepted survives the process and, as far as the disk
// keeps its word, the machine.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "server/jobs/database.h"
#include "server/jobs/job_store.h"

namespace amanuensis::server {

class SqliteJobStore : public JobStore {
 public:
  // Opens or makes `file`. Throws Error{kIo | kBadData}.
  explicit SqliteJobStore(const std::filesystem::path& file);

  void insert(const JobRecord& job) override;
  std::optional<JobRecord> find(const std::string& id) override;
  std::vector<JobRecord> list(const JobFilter& filter) override;
  bool finish(const JobRecord& job, const std::optional<std::string>& transcript) override;
  std::optional<std::string> transcript(const std::string& id) override;
  bool remove(const std::string& id) override;
  std::vector<JobRecord> over_before(std::int64_t ended_ms) override;
  std::int64_t count(WorkStatus status) override;
  std::int64_t audio_bytes() override;
  std::vector<WebhookDelivery> webhooks_due(std::int64_t now_ms) override;
  std::optional<std::int64_t> next_webhook_ms(std::int64_t after_ms) override;
  void retry_webhook(const std::string& job_id, std::int64_t next_ms) override;
  void end_webhook(const std::string& job_id) override;

  // Queued and running ones, oldest first; each has begun once more.
  std::vector<JobRecord> take_unfinished();
  void mark_running(const std::string& id, std::int64_t started_ms);
  void set_audio(const std::string& id, const std::string& audio, std::int64_t size_bytes);
  // The files that jobs need.
  std::vector<std::string> audio_files();

 private:
  Database database_;
};

}  // namespace amanuensis::server
