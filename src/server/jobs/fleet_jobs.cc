#include "server/jobs/fleet_jobs.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "fleet/job_options.h"
#include "fleet/nats/stream.h"
#include "pipeline/transcript_json.h"
#include "server/http/http_error.h"
#include "server/http/random_id.h"

namespace amanuensis::server {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kTellEvery{1000};
constexpr std::chrono::minutes kSweepEvery{10};

// A server's options and a client's are one canonical text, so that equal work has an equal name.
std::string canonical_options(const std::string& options, std::size_t beam_size) {
  fleet::JobOptions read = fleet::parse_options(options);
  read.beam_size = beam_size;
  return fleet::options_json(read);
}

ErrorBody error_of(const JobRecord& job) {
  const auto json = nlohmann::json::parse(job.error, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("error")) return {.status = 503, .message = "the job was cancelled"};
  const auto& error = json.at("error");
  return {.status = 503, .message = error.value("message", ""), .code = error.value("code", "")};
}

}  // namespace

struct FleetJobs::Followed {
  std::shared_ptr<Work> work;
  std::unique_ptr<fleet::StreamReader> events;
  std::size_t segments = 0;                        // that were told
  std::map<std::size_t, pipeline::Segment> early;  // heard before those in front of them
};

FleetJobs::FleetJobs(Loop& loop, Log& log, fleet::Fleet& fleet, FleetJobsOptions options)
    : loop_(loop),
      log_(log),
      fleet_(fleet),
      options_(std::move(options)),
      store_(std::make_unique<FleetJobStore>(fleet, options_.store)),
      view_(std::make_unique<fleet::FleetView>(fleet)),
      database_(loop, 2),
      files_(loop, 2) {}

FleetJobs::~FleetJobs() {
  *alive_ = false;
  store_->on_over(nullptr);
}

void FleetJobs::start() {
  store_->on_over([this, alive = alive_](const JobRecord& job) {
    loop_.post([this, alive, job] {
      if (*alive) over(job);
    });
  });
  tell_progress();
  sweep_later();
}

void FleetJobs::spawn_logged(Task<void> task, const std::string& doing) {
  spawn(std::move(task), [this, doing](const std::exception_ptr& error) {
    if (!error) return;
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& known) {
      log_.write(LogLevel::kError, "job", {{"doing", doing}, {"what", known.what()}});
    }
  });
}

Task<JobRecord> FleetJobs::create(JobRecord job, std::optional<UploadedFile> file) {
  job.id = random_id("job_");
  job.created_ms = now_ms();
  job.status = WorkStatus::kQueued;
  job.options = canonical_options(job.options, options_.beam_size);
  if (file) {
    const std::string name = job.id + file->path().extension().string();
    job.audio = store_->audio_address(name);
    job.size_bytes = static_cast<std::int64_t>(file->size_bytes);
    const auto keep = [&] {
      if (options_.max_bytes > 0 && store_->audio_bytes() + job.size_bytes > options_.max_bytes) {
        throw Error(ErrorCode::kResourceExhausted,
                    fmt::format("the recordings that this fleet keeps would take more than {} bytes; delete some jobs",
                                options_.max_bytes));
      }
      store_->stores().open(store_->address())->write_file("audio/" + name, file->path());
    };
    co_await files_.run(keep);
  }
  std::exception_ptr failure;
  try {
    const auto insert = [&] { store_->insert(job); };
    co_await database_.run(insert);
  } catch (...) {
    failure = std::current_exception();
  }
  // The job may have been accepted although that could not be heard: the recording then has to stay.
  if (failure) std::rethrow_exception(failure);
  co_return job;
}

// What workers say is newer than what the table says.
void FleetJobs::add_progress(std::vector<JobRecord>& jobs) const {
  const std::vector<fleet::WorkerStatus> workers = view_->workers();
  for (JobRecord& job : jobs) {
    if (job.status != WorkStatus::kRunning) continue;
    for (const fleet::WorkerStatus& worker : workers) {
      for (const fleet::ActiveWork& work : worker.active) {
        if (work.job != job.id) continue;
        job.audio_done_s += work.audio_done_s;
        if (work.part.empty()) job.duration_s = std::max(job.duration_s, work.audio_total_s);
      }
    }
    // A range that has just ended may be counted twice for a moment.
    if (job.duration_s > 0) job.audio_done_s = std::min(job.audio_done_s, job.duration_s);
    if (job.started_ms) job.processing_s = static_cast<double>(now_ms() - *job.started_ms) / 1000;
  }
}

Task<std::optional<JobRecord>> FleetJobs::find(std::string id) {
  const auto look = [&] { return store_->find(id); };
  const std::optional<JobRecord> job = co_await database_.run(look);
  if (!job) co_return std::nullopt;
  std::vector<JobRecord> one{*job};
  add_progress(one);
  co_return one.front();
}

Task<std::vector<JobRecord>> FleetJobs::list(JobFilter filter) {
  const auto look = [&] { return store_->list(filter); };
  std::vector<JobRecord> jobs = co_await database_.run(look);
  add_progress(jobs);
  co_return jobs;
}

Task<std::optional<std::string>> FleetJobs::transcript(std::string id) {
  const auto look = [&] { return store_->transcript(id); };
  std::optional<std::string> text = co_await files_.run(look);
  co_return text;
}

Task<void> FleetJobs::cancel(std::string id) {
  const auto cancel = [&] { return store_->cancel(id); };
  co_await database_.run(cancel);
}

Task<bool> FleetJobs::remove(JobRecord job) {
  const auto erase = [&] {
    const bool removed = store_->remove(job.id);
    // What others have put where it lies is theirs.
    const std::string ours = store_->audio_address(job.id);
    if (job.audio.starts_with(ours)) {
      store_->stores().open(store_->address())->remove("audio/" + job.id + job.audio.substr(ours.size()));
    }
    return removed;
  };
  const bool removed = co_await database_.run(erase);
  std::error_code ignored;
  fs::remove(options_.data_dir / "played" / job.id, ignored);
  co_return removed;
}

Task<fs::path> FleetJobs::audio_file(JobRecord job) {
  const auto fetch = [&]() -> fs::path {
    if (job.audio.empty()) return {};
    const storage::ObjectAddress address = storage::split_address(job.audio);
    const auto store = store_->stores().open(address.store);
    if (const auto local = store->local_path(address.key)) return *local;
    fs::path kept = options_.data_dir / "played" / job.id;
    if (fs::exists(kept)) return kept;
    fs::create_directories(kept.parent_path());
    store->download(address.key, kept);
    return kept;
  };
  fs::path file = co_await files_.run(fetch);
  co_return file;
}

std::shared_ptr<Work> FleetJobs::work_of(const std::string& id) const {
  const auto found = followed_.find(id);
  const std::shared_ptr<Followed> followed = found == followed_.end() ? nullptr : found->second.lock();
  return followed ? followed->work : nullptr;
}

Task<std::shared_ptr<Work>> FleetJobs::follow(JobRecord job) {
  const auto known = followed_.find(job.id);
  if (known != followed_.end()) {
    if (const auto followed = known->second.lock()) co_return std::shared_ptr<Work>(followed, followed->work.get());
  }
  // Its reader waits for calls that are under way: not on the loop.
  const auto end = [this, alive = alive_](Followed* followed) {
    auto events = std::make_shared<std::unique_ptr<fleet::StreamReader>>(std::move(followed->events));
    if (*alive) database_.post([events] { events->reset(); });
    delete followed;
  };
  const std::shared_ptr<Followed> followed(new Followed, end);
  WorkSpec spec;
  spec.id = job.id;
  spec.model = job.model;
  spec.name = job.name;
  followed->work = std::make_shared<Work>(loop_, std::move(spec));
  followed_[job.id] = followed;
  std::erase_if(followed_, [](const auto& each) { return each.second.expired(); });
  const auto listen = [&] {
    return std::make_unique<fleet::StreamReader>(fleet_.connection(), fleet_.subject("events." + job.id),
                                                 [this, alive = alive_, id = job.id](std::string_view data) {
                                                   loop_.post([this, alive, id, event = std::string(data)] {
                                                     if (*alive) hear_event(id, event);
                                                   });
                                                 });
  };
  auto events = co_await database_.run(listen);
  followed->events = std::move(events);
  if (job.status == WorkStatus::kRunning) followed->work->hear_running();
  // It may have ended before anybody listened.
  const std::optional<JobRecord> now = co_await find(job.id);
  if (now && is_over(now->status)) spawn_logged(end_followed(followed, *now), "following");
  co_return std::shared_ptr<Work>(followed, followed->work.get());
}

void FleetJobs::hear_event(const std::string& id, const std::string& event) {
  const auto found = followed_.find(id);
  const std::shared_ptr<Followed> followed = found == followed_.end() ? nullptr : found->second.lock();
  if (!followed) return;
  const auto json = nlohmann::ordered_json::parse(event, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return;
  const std::string kind = json.value("kind", "");
  if (kind == "running") followed->work->hear_running();
  if (kind != "segment" || !json.contains("segment")) return;
  followed->work->hear_running();
  // Whoever began it again finds the same segments once more, and workers that have a range each do not wait for each
  // other; one that was not heard of comes at the end, with those behind it.
  const std::size_t number = json.value("number", std::size_t{0});
  if (number < followed->segments) return;
  try {
    followed->early.emplace(number, pipeline::parse_segment_json(json.at("segment").dump()));
    for (auto next = followed->early.begin(); next != followed->early.end() && next->first == followed->segments;
         next = followed->early.erase(next)) {
      followed->work->hear_segment(next->second);
      ++followed->segments;
    }
  } catch (const Error& error) {
    log_.write(LogLevel::kWarning, "job", {{"id", id}, {"what", error.what()}});
  }
}

void FleetJobs::tell_progress() {
  telling_ = loop_.call_after(kTellEvery, [this] { tell_progress(); });
  std::vector<JobRecord> running;
  for (const auto& [id, followed] : followed_) {
    if (followed.expired()) continue;
    if (const auto job = store_->known(id); job && job->status == WorkStatus::kRunning) running.push_back(*job);
  }
  if (running.empty()) return;
  add_progress(running);
  for (const JobRecord& job : running) {
    const std::shared_ptr<Work> work = work_of(job.id);
    if (!work || work->over() || job.duration_s <= 0) continue;
    work->hear_progress({.audio_done_s = job.audio_done_s, .audio_total_s = job.duration_s});
  }
}

void FleetJobs::over(const JobRecord& job) {
  if (on_over) on_over(job);
  const auto found = followed_.find(job.id);
  const std::shared_ptr<Followed> followed = found == followed_.end() ? nullptr : found->second.lock();
  if (followed) spawn_logged(end_followed(followed, job), "following");
}

Task<void> FleetJobs::end_followed(std::shared_ptr<Followed> followed, JobRecord job) {
  if (followed->work->over()) co_return;
  if (job.status == WorkStatus::kDone) {
    const std::optional<std::string> stored = co_await transcript(job.id);
    if (followed->work->over()) co_return;
    followed->work->hear_running();
    if (stored) {
      const pipeline::Transcript result = pipeline::parse_full_json(*stored);
      for (; followed->segments < result.segments.size(); ++followed->segments) {
        followed->work->hear_segment(result.segments[followed->segments]);
      }
    }
  }
  followed->work->hear_end(job.status, error_of(job));
}

void FleetJobs::sweep_later() {
  if (options_.keep.count() == 0) return;
  sweeping_ = loop_.call_after(kSweepEvery, [this] { spawn_logged(sweep(), "sweeping"); });
}

Task<void> FleetJobs::sweep() {
  const std::int64_t before = now_ms() - std::chrono::duration_cast<std::chrono::milliseconds>(options_.keep).count();
  const auto look = [&] { return store_->over_before(before); };
  const std::vector<JobRecord> old = co_await database_.run(look);
  for (const JobRecord& job : old) {
    const bool removed = co_await remove(job);
    if (removed) log_.write(LogLevel::kInfo, "job removed", {{"id", job.id}});
  }
  sweep_later();
}

}  // namespace amanuensis::server
