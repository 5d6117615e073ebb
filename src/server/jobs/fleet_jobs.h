// Jobs that a fleet works on, for a server that is one of any number: recordings go to the object store, jobs to the
// fleet's table and queue; what workers tell about a job reaches those who follow it here. Belongs to the loop's
// thread; what blocks has threads of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fleet/fleet.h"
#include "fleet/status.h"
#include "server/http/worker.h"
#include "server/jobs/fleet_job_store.h"
#include "server/jobs/jobs.h"
#include "server/log/log.h"

namespace amanuensis::server {

struct FleetJobsOptions {
  std::filesystem::path data_dir;  // recordings that are played from here are kept below it for a while
  FleetStoreOptions store;
  std::chrono::seconds keep = std::chrono::hours(24 * 30);  // a job that is over is removed then; 0: never
  std::int64_t max_bytes = 0;  // of all recordings that servers have put into the store; 0: no limit
  std::size_t beam_size = 1;
};

class FleetJobs : public JobService {
 public:
  // The fleet must outlive the object. Throws as FleetJobStore does.
  FleetJobs(Loop& loop, Log& log, fleet::Fleet& fleet, FleetJobsOptions options);
  ~FleetJobs() override;

  void start();

  Task<JobRecord> create(JobRecord job, std::optional<UploadedFile> file) override;
  Task<std::optional<JobRecord>> find(std::string id) override;
  Task<std::vector<JobRecord>> list(JobFilter filter) override;
  Task<std::optional<std::string>> transcript(std::string id) override;
  Task<void> cancel(std::string id) override;
  Task<bool> remove(JobRecord job) override;
  Task<std::filesystem::path> audio_file(JobRecord job) override;
  std::shared_ptr<Work> work_of(const std::string& id) const override;
  Task<std::shared_ptr<Work>> follow(JobRecord job) override;
  JobStore& store() override { return *store_; }
  Worker& database() override { return database_; }

 private:
  // A job that somebody here follows, for as long as anybody does.
  struct Followed;

  void hear_event(const std::string& id, const std::string& event);
  void tell_progress();
  void over(const JobRecord& job);
  Task<void> end_followed(std::shared_ptr<Followed> followed, JobRecord job);
  Task<void> sweep();
  void sweep_later();
  void add_progress(std::vector<JobRecord>& jobs) const;
  void spawn_logged(Task<void> task, const std::string& doing);

  Loop& loop_;
  Log& log_;
  fleet::Fleet& fleet_;
  const FleetJobsOptions options_;
  std::unique_ptr<FleetJobStore> store_;
  std::unique_ptr<fleet::FleetView> view_;
  std::map<std::string, std::weak_ptr<Followed>> followed_;
  std::unique_ptr<Timer> telling_;
  std::unique_ptr<Timer> sweeping_;
  // Callbacks from other threads find out by it that this object has gone.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Worker database_;
  Worker files_;
};

}  // namespace amanuensis::server
