#include "server/jobs/jobs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <system_error>
#include <unordered_set>

#include "base/error.h"
#include "server/endpoints/speaker_form.h"
#include "server/endpoints/transcription_form.h"
#include "server/http/http_error.h"
#include "server/http/random_id.h"
#include "server/transcript/transcript_json.h"

namespace amanuensis::server {
namespace {

namespace fs = std::filesystem;
constexpr std::chrono::seconds kSweepAtMostEvery{1};
constexpr std::chrono::minutes kSweepAtLeastEvery{10};
// A disk that is full may have room again soon.
constexpr std::chrono::seconds kWriteAgainAfter{3};

void make_folder(const fs::path& folder) {
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (problem) throw Error(ErrorCode::kIo, fmt::format("'{}' cannot be made: {}", folder.string(), problem.message()));
}

void sync_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) throw Error(ErrorCode::kIo, fmt::format("'{}' cannot be opened", folder.string()));
  const int result = fsync(descriptor);
  ::close(descriptor);
  if (result != 0) throw Error(ErrorCode::kIo, fmt::format("'{}' cannot be written to disk", folder.string()));
}

}  // namespace

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

pipeline::BatchedOptions read_job_options(const Form& form, std::size_t beam_size) {
  const std::string task = form.get("task").value_or("transcribe");
  if (task != "transcribe" && task != "translate") {
    throw bad_field("task", fmt::format("task '{}' is neither 'transcribe' nor 'translate'", task.substr(0, 60)));
  }
  pipeline::BatchedOptions options = default_options({.translate = task == "translate", .beam_size = beam_size});
  options.transcribe.language = read_language_field(form);
  options.transcribe.initial_prompt = form.get("prompt").value_or("");
  options.transcribe.word_timestamps = read_bool_field(form, "word_timestamps", true);
  options.vad_filter = read_bool_field(form, "vad_filter", false);
  set_temperature(options, read_number_field(form, "temperature", 0, 1).value_or(0));
  return options;
}

std::optional<pipeline::DiarizeOptions> read_job_speakers(const Form& form) { return read_diarize_fields(form); }

std::string job_options_json(const Form& form) {
  const pipeline::BatchedOptions read = read_job_options(form, 1);
  const auto language = read_language_field(form);
  nlohmann::ordered_json json = {
      {"language", language ? nlohmann::ordered_json(*language) : nlohmann::ordered_json(nullptr)},
      {"task", form.get("task").value_or("transcribe")},
      {"prompt", read.transcribe.initial_prompt},
      {"temperature", read_number_field(form, "temperature", 0, 1).value_or(0)},
      {"word_timestamps", read.transcribe.word_timestamps},
      {"vad_filter", read.vad_filter}};
  if (const auto speakers = read_job_speakers(form)) {
    json["diarization"] = true;
    if (speakers->num_speakers) json["num_speakers"] = *speakers->num_speakers;
    if (speakers->min_speakers) json["min_speakers"] = *speakers->min_speakers;
    if (speakers->max_speakers) json["max_speakers"] = *speakers->max_speakers;
  }
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Form form_of_options(const std::string& text) {
  Form form;
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return form;
  for (const auto& [name, value] : json.items()) {
    if (!value.is_null()) form.fields[name] = {value.is_string() ? value.get<std::string>() : value.dump()};
  }
  return form;
}

Jobs::Jobs(Loop& loop, WorkQueue& queue, Log& log, JobsOptions options, FetchFn fetch)
    : loop_(loop),
      queue_(queue),
      log_(log),
      options_(std::move(options)),
      fetch_(std::move(fetch)),
      database_(loop, 1),
      files_(loop, 1),
      fetcher_(loop, 2) {
  make_folder(audio_folder());
  store_ = std::make_unique<SqliteJobStore>(options_.data_dir / "jobs.sqlite");
  remove_unneeded_files();
  unfinished_ = store_->take_unfinished();
}

void Jobs::remove_unneeded_files() {
  std::unordered_set<std::string> needed;
  for (const std::string& file : store_->audio_files()) needed.insert(file);
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(audio_folder(), ignored)) {
    if (!needed.contains(entry.path().filename().string())) fs::remove(entry.path(), ignored);
  }
}

void Jobs::spawn_logged(Task<void> task, std::string_view doing, const std::string& id) {
  spawn(std::move(task), [this, doing, id](const std::exception_ptr& error) {
    if (!error) return;
    std::string what = "unknown";
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& known) {
      what = known.what();
    } catch (...) {
      what = "something that is no exception";
    }
    log_.write(LogLevel::kError, "job", {{"id", id}, {"doing", std::string(doing)}, {"what", what}});
  });
}

void Jobs::start() {
  const std::vector<JobRecord> unfinished = std::exchange(unfinished_, {});
  for (const JobRecord& job : unfinished) begin(job);
  if (!unfinished.empty()) log_.write(LogLevel::kInfo, "jobs resumed", {{"count", std::to_string(unfinished.size())}});
  sweep_later(std::chrono::seconds(0));
}

Task<JobRecord> Jobs::create(JobRecord job, std::optional<UploadedFile> file) {
  // Jobs that are being fetched wait, too.
  queue_.check_room(fetching_.size());
  job.id = random_id("job_");
  job.created_ms = now_ms();
  job.status = WorkStatus::kQueued;
  if (file) {
    job.audio = job.id + file->path().extension().string();
    job.size_bytes = static_cast<std::int64_t>(file->size_bytes);
    const fs::path target = audio_folder() / job.audio;
    const auto keep = [&] {
      fs::rename(file->path(), target);
      sync_folder(audio_folder());
    };
    co_await files_.run(keep);
    file->release();
  }
  std::exception_ptr failure;
  try {
    const auto insert = [&] {
      if (options_.max_bytes > 0 && store_->audio_bytes() + job.size_bytes > options_.max_bytes) {
        throw Error(ErrorCode::kResourceExhausted,
                    fmt::format("the recordings that this server keeps would take more than {} bytes; delete some jobs",
                                options_.max_bytes));
      }
      store_->insert(job);
    };
    co_await database_.run(insert);
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) {
    std::error_code ignored;
    if (!job.audio.empty()) fs::remove(audio_folder() / job.audio, ignored);
    std::rethrow_exception(failure);
  }
  begin(job);
  co_return job;
}

// From here on the job lives in memory, too.
void Jobs::begin(const JobRecord& job) {
  if (job.audio.empty()) {
    fetching_.insert(job.id);
    spawn_logged(fetch_and_begin(job), "fetching", job.id);
    return;
  }
  WorkSpec spec{.id = job.id,
                .model = job.model,
                .audio = audio_folder() / job.audio,
                .name = job.name,
                .options = read_job_options(form_of_options(job.options), options_.beam_size),
                .diarize = read_job_speakers(form_of_options(job.options)),
                .priority = 0,
                .max_audio_s = options_.max_audio_s,
                .durable = true};
  const std::shared_ptr<Work> work = queue_.submit(std::move(spec), /*unlimited=*/true);
  spawn_logged(follow(job, work), "following", job.id);
}

Task<void> Jobs::fetch_and_begin(JobRecord job) {
  std::exception_ptr failure;
  try {
    const auto fetch = [&] { return fetch_(job.url, audio_folder(), job.id); };
    const Fetched fetched = co_await fetcher_.run(fetch);
    job.audio = fetched.file;
    job.size_bytes = static_cast<std::int64_t>(fetched.size_bytes);
    const auto keep = [&] {
      sync_folder(audio_folder());
      store_->set_audio(job.id, job.audio, job.size_bytes);
    };
    co_await database_.run(keep);
  } catch (...) {
    failure = std::current_exception();
  }
  fetching_.erase(job.id);
  if (cancelled_.erase(job.id) > 0) co_return;
  if (failure && held_) co_return;  // the server is ending: it is fetched after the next start
  if (!failure) {
    begin(job);
    co_return;
  }
  job.status = WorkStatus::kFailed;
  job.error = error_json(describe(failure));
  job.ended_ms = now_ms();
  co_await finish(job, std::nullopt);
}

Task<void> Jobs::follow(JobRecord job, std::shared_ptr<Work> work) {
  const auto events = work->subscribe();
  while (true) {
    const WorkEvents::Wake wake = co_await events->wait(std::chrono::hours(24));
    if (wake == WorkEvents::Wake::kClosed) break;
    if (wake != WorkEvents::Wake::kItem) continue;
    if (events->take().kind != WorkEventKind::kRunning) continue;
    job.started_ms = now_ms();
    try {
      const auto mark = [&] { store_->mark_running(job.id, *job.started_ms); };
      co_await database_.run(mark);
    } catch (const Error& error) {  // a full disk; the work goes on, and the database then says that it waits
      log_.write(LogLevel::kError, "job", {{"id", job.id}, {"doing", "starting"}, {"what", error.what()}});
    }
  }
  if (work->status() == WorkStatus::kCancelled && held_ && !cancelled_.contains(job.id)) co_return;
  job.status = work->status();
  job.ended_ms = now_ms();
  job.language = work->language();
  job.processing_s = work->processing_s();
  job.warning = work->warning();
  std::optional<std::string> transcript;
  if (job.status == WorkStatus::kDone) {
    const pipeline::Transcript& done = work->transcript();
    job.language = done.language;
    job.duration_s = done.duration_s;
    job.segments = static_cast<std::int64_t>(done.segments.size());
    transcript = full_json(done);
  } else {
    job.error = error_json(work->error());
  }
  co_await finish(job, std::move(transcript));
}

// The result stays in memory for as long as it cannot be written; if the server ends before that, the job runs again.
Task<void> Jobs::finish(JobRecord job, std::optional<std::string> transcript) {
  ++finishing_;
  bool written = false;
  bool was_open = false;
  for (bool first = true; !written && (first || !held_); first = false) {
    if (!first) co_await sleep_for(loop_, kWriteAgainAfter);
    try {
      const auto write = [&] { return store_->finish(job, transcript); };
      was_open = co_await database_.run(write);
      written = true;
    } catch (const Error& error) {
      if (first) log_.write(LogLevel::kError, "job", {{"id", job.id}, {"doing", "writing"}, {"what", error.what()}});
    }
  }
  --finishing_;
  cancelled_.erase(job.id);
  if (was_open && on_over) on_over(job);
}

Task<std::optional<JobRecord>> Jobs::find(std::string id) {
  const auto look = [&] { return store_->find(id); };
  std::optional<JobRecord> job = co_await database_.run(look);
  co_return job;
}

Task<std::vector<JobRecord>> Jobs::list(JobFilter filter) {
  const auto look = [&] { return store_->list(filter); };
  std::vector<JobRecord> jobs = co_await database_.run(look);
  co_return jobs;
}

Task<std::optional<std::string>> Jobs::transcript(std::string id) {
  const auto look = [&] { return store_->transcript(id); };
  std::optional<std::string> text = co_await database_.run(look);
  co_return text;
}

Task<void> Jobs::cancel(std::string id) {
  cancelled_.insert(id);
  const std::shared_ptr<Work> work = queue_.find(id);
  if (work) {
    work->cancel();
    co_await work->wait_until_over();
    // follow() writes it down; whoever asks next is to see it.
    const auto wait = [] {};
    co_await database_.run(wait);
    co_await database_.run(wait);
    co_return;
  }
  const std::optional<JobRecord> found = co_await find(id);
  if (!found || is_over(found->status)) {
    cancelled_.erase(id);
    co_return;
  }
  JobRecord job = *found;
  job.status = WorkStatus::kCancelled;
  job.ended_ms = now_ms();
  job.error = error_json({.status = 503, .message = "the job was cancelled", .code = "cancelled"});
  const bool keep_mark = fetching_.contains(id);
  co_await finish(job, std::nullopt);
  if (keep_mark) cancelled_.insert(id);
}

Task<bool> Jobs::remove(JobRecord job) {
  const auto erase = [&] { return store_->remove(job.id); };
  const bool removed = co_await database_.run(erase);
  if (!job.audio.empty()) {
    const auto unlink = [&] {
      std::error_code ignored;
      fs::remove(audio_folder() / job.audio, ignored);
    };
    co_await files_.run(unlink);
  }
  queue_.forget(job.id);
  co_return removed;
}

Task<fs::path> Jobs::audio_file(JobRecord job) {
  co_return job.audio.empty() ? fs::path() : audio_folder() / job.audio;
}

Task<std::shared_ptr<Work>> Jobs::follow(JobRecord job) { co_return work_of(job.id); }

void Jobs::sweep_later(std::chrono::milliseconds delay) {
  if (options_.keep.count() == 0) return;
  sweeping_ = loop_.call_after(delay, [this] {
    spawn_logged(sweep(), "sweeping", "");
    sweep_later(std::clamp<std::chrono::milliseconds>(options_.keep / 2, kSweepAtMostEvery, kSweepAtLeastEvery));
  });
}

Task<void> Jobs::sweep() {
  const std::int64_t before = now_ms() - std::chrono::duration_cast<std::chrono::milliseconds>(options_.keep).count();
  const auto look = [&] { return store_->over_before(before); };
  const std::vector<JobRecord> old = co_await database_.run(look);
  for (const JobRecord& job : old) {
    const bool removed = co_await remove(job);
    if (removed) log_.write(LogLevel::kInfo, "job removed", {{"id", job.id}});
  }
}

}  // namespace amanuensis::server
