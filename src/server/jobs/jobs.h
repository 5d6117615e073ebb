// Jobs: recordings that are kept, with their results, until their time is over. What is accepted is on disk first;
// after the process has died at any moment, unfinished jobs begin again and finished ones are as they were. Belongs to
// the loop's thread; the database and the files have threads of their own.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "server/http/loop.h"
#include "server/http/worker.h"
#include "server/jobs/sqlite_job_store.h"
#include "server/log/log.h"
#include "server/upload/form.h"
#include "server/work/work_queue.h"

namespace amanuensis::server {

// The jobs as endpoints see them. Two implementations: Jobs, below, which works on them here, and FleetJobs
// (fleet_jobs.h), which has a fleet do that. Belongs to the loop's thread.
class JobService {
 public:
  virtual ~JobService() = default;

  // Accepts a job: recording and record are kept when this returns. The record's id, times, audio and status are filled
  // in here. Throws HttpError 429, 507.
  virtual Task<JobRecord> create(JobRecord job, std::optional<UploadedFile> file) = 0;
  virtual Task<std::optional<JobRecord>> find(std::string id) = 0;
  virtual Task<std::vector<JobRecord>> list(JobFilter filter) = 0;
  virtual Task<std::optional<std::string>> transcript(std::string id) = 0;
  // Cancels what is queued or running.
  virtual Task<void> cancel(std::string id) = 0;
  virtual Task<bool> remove(JobRecord job) = 0;
  // The recording as a file of this machine; empty when it is not kept.
  virtual Task<std::filesystem::path> audio_file(JobRecord job) = 0;

  // The work of a job that is queued or running, or was a moment ago; null when there is none here.
  virtual std::shared_ptr<Work> work_of(const std::string& id) const = 0;
  // The same, for whoever wants to hear what happens: where the work is done elsewhere, it is listened to from now on.
  virtual Task<std::shared_ptr<Work>> follow(JobRecord job) = 0;

  virtual JobStore& store() = 0;
  virtual Worker& database() = 0;
  // Told of every job that is over, once its result is kept.
  std::function<void(const JobRecord&)> on_over;
};

struct JobsOptions {
  std::filesystem::path data_dir;
  std::chrono::seconds keep = std::chrono::hours(24 * 30);  // a job that is over is removed then; 0: never
  std::int64_t max_bytes = 0;                               // of all recordings that are kept; 0: no limit
  double max_audio_s = 0;
  std::size_t beam_size = 1;
};

// A job's form, as the client sent it, to what it means. Throws HttpError 400 naming the field.
pipeline::BatchedOptions read_job_options(const Form& form, std::size_t beam_size);
// Whether and how speakers are told apart. Throws HttpError 400 naming the field.
std::optional<pipeline::DiarizeOptions> read_job_speakers(const Form& form);
// The same as JSON, complete and in one form; and back.
std::string job_options_json(const Form& form);
Form form_of_options(const std::string& json);

// Fetches a recording into the folder; the file's name, without folder, and its size. Blocks. Throws Error.
struct Fetched {
  std::string file;
  std::string name;
  std::uint64_t size_bytes = 0;
};
using FetchFn =
    std::function<Fetched(const std::string& url, const std::filesystem::path& folder, const std::string& stem)>;

class Jobs : public JobService {
 public:
  // Opens the database in data_dir and removes files that no job needs, which must be before the first upload. Throws
  // Error{kIo | kBadData}.
  Jobs(Loop& loop, WorkQueue& queue, Log& log, JobsOptions options, FetchFn fetch);

  // Puts unfinished jobs back into the queue.
  void start();
  // What is cancelled from now on is cancelled by the server's end: it begins again next time.
  void hold() { held_ = true; }

  // Where the recordings are.
  std::filesystem::path audio_folder() const { return options_.data_dir / "audio"; }

  Task<JobRecord> create(JobRecord job, std::optional<UploadedFile> file) override;
  Task<std::optional<JobRecord>> find(std::string id) override;
  Task<std::vector<JobRecord>> list(JobFilter filter) override;
  Task<std::optional<std::string>> transcript(std::string id) override;
  Task<void> cancel(std::string id) override;
  Task<bool> remove(JobRecord job) override;
  Task<std::filesystem::path> audio_file(JobRecord job) override;
  Task<std::shared_ptr<Work>> follow(JobRecord job) override;

  // Whether everything that is over is on disk.
  bool settled() const { return finishing_ == 0; }
  std::shared_ptr<Work> work_of(const std::string& id) const override { return queue_.find(id); }
  JobStore& store() override { return *store_; }
  Worker& database() override { return database_; }

 private:
  void remove_unneeded_files();
  void begin(const JobRecord& job);
  Task<void> follow(JobRecord job, std::shared_ptr<Work> work);
  Task<void> fetch_and_begin(JobRecord job);
  Task<void> finish(JobRecord job, std::optional<std::string> transcript);
  Task<void> sweep();
  void sweep_later(std::chrono::milliseconds delay);
  void spawn_logged(Task<void> task, std::string_view doing, const std::string& id);

  Loop& loop_;
  WorkQueue& queue_;
  Log& log_;
  const JobsOptions options_;
  const FetchFn fetch_;
  std::unique_ptr<SqliteJobStore> store_;
  std::vector<JobRecord> unfinished_;  // of an earlier process; until start()
  bool held_ = false;
  std::size_t finishing_ = 0;
  std::set<std::string> cancelled_;  // asked for by a client
  std::set<std::string> fetching_;
  std::unique_ptr<Timer> sweeping_;
  Worker database_;
  Worker files_;
  Worker fetcher_;
};

// Milliseconds since 1970.
std::int64_t now_ms();

}  // namespace amanuensis::server
