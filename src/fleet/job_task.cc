#include "fleet/job_task.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "fleet/job_options.h"
#include "fleet/task_steps.h"
#include "fleet/transcription.h"
#include "pipeline/transcript_json.h"

namespace amanuensis::fleet {
namespace {

using Json = nlohmann::ordered_json;
using Outcome = TaskResult::Outcome;

constexpr std::chrono::seconds kFirstPause{1};
constexpr std::chrono::seconds kLongestPause{60};
constexpr std::chrono::seconds kEarlyPause{1};
// From work to its job it is one request of the submitter's.
constexpr std::chrono::milliseconds kVeryEarlyPause{10};
constexpr int kVeryEarlyTries = 20;
constexpr std::uint64_t kMostEarly = 30;

// A second, then twice as long each time.
std::chrono::milliseconds pause_after(std::size_t failures) {
  return std::min<std::chrono::milliseconds>(kLongestPause, kFirstPause * (1 << std::min<std::size_t>(failures, 6)));
}

}  // namespace

JobTask::JobTask(TaskContext context, WorkItem item, std::uint64_t delivered)
    : context_(std::move(context)), item_(std::move(item)), delivered_(delivered) {}

JobTask::~JobTask() = default;

double JobTask::seconds_since_begin() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count();
}

TaskResult JobTask::run(const std::stop_token& stop) {
  TaskFailure failure;
  try {
    return work(stop);
  } catch (const TaskFailure& known) {
    failure = known;
  } catch (const Error& error) {
    failure = {.code = error.code(), .message = error.what(), .may_pass = true};
  } catch (const std::bad_alloc&) {
    failure = {.code = ErrorCode::kResourceExhausted, .message = "the worker has not enough memory", .may_pass = true};
  } catch (const std::exception& error) {
    failure = {.code = ErrorCode::kInternal, .message = error.what(), .may_pass = true};
  }
  try {
    if (stop.stop_requested()) return give_back();
    return fail(failure);
  } catch (const std::exception& error) {
    // Not even that could be written down: whoever begins it next finds a worker that was lost.
    return {.outcome = Outcome::kAgain, .delay = kFirstPause, .reason = error.what()};
  }
}

TaskResult JobTask::work(const std::stop_token& stop) {
  switch (item_.kind) {
    case WorkItem::Kind::kRange:
      return work_on_range(stop);
    case WorkItem::Kind::kMerge:
      return work_on_merge(stop);
    case WorkItem::Kind::kJob:
      break;
  }
  return work_on_job(stop);
}

// Whether there is something to do.
bool JobTask::begin() {
  bool begun = false;
  is_early_ = false;
  const std::optional<Job> job = context_.fleet.update(item_.job, [&](Job& each) {
    is_early_ = each.epoch < item_.epoch;
    begun = !is_over(each.status) && each.epoch == item_.epoch;
    if (!begun) return false;
    if (each.status == JobStatus::kRunning) ++each.lost;
    ++each.attempt;
    each.status = JobStatus::kRunning;
    each.worker = context_.options.name;
    if (!each.started_ms) each.started_ms = unix_ms();
    return true;
  });
  if (!job) is_early_ = true;
  if (!begun) return false;
  job_ = *job;
  return true;
}

TaskResult JobTask::work_on_job(const std::stop_token& stop) {
  bool begun = persistently(stop, [&] { return begin(); });
  for (int tries = 1; !begun && is_early_ && tries < kVeryEarlyTries && !stop.stop_requested(); ++tries) {
    std::this_thread::sleep_for(kVeryEarlyPause);
    begun = persistently(stop, [&] { return begin(); });
  }
  if (!begun) {
    // Work is queued before its job is written down; if that does not follow, its submitter has died.
    if (is_early_ && delivered_ < kMostEarly) return {.outcome = Outcome::kAgain, .delay = kEarlyPause};
    return {.outcome = Outcome::kDropped};
  }
  context_.on_named(job_.name, "");
  const auto failed = job_.lost + static_cast<std::int64_t>(job_.failures.size());
  if (failed >= context_.fleet.settings().max_attempts) {
    throw TaskFailure{
        .code = ErrorCode::kDeadlineExceeded,
        .message = fmt::format("begun {} times without an end; {} workers were lost while they worked on it",
                               job_.attempt - 1, job_.lost),
        .may_pass = false};
  }
  tell(Json{{"kind", "running"}, {"attempt", job_.attempt}}.dump());
  results_ = step(Step::kFetching, [&] { return context_.stores.open(job_.results); });
  const auto recording = step(Step::kFetching, [&] {
    return std::make_unique<Recording>(context_.stores, job_.source, context_.options.work_folder, stop);
  });
  if (!job_.content_hash.empty() && job_.content_hash != recording->sha256()) {
    throw TaskFailure{.code = ErrorCode::kBadData,
                      .message = fmt::format("{}: has changed since it was submitted; submit it again", job_.source),
                      .may_pass = false};
  }
  job_.content_hash = recording->sha256();
  job_.result = result_key(job_.content_hash, job_.model, job_.options);
  if (const auto known = step(Step::kWriting, [&] { return find_result(*results_, job_.result); })) {
    const std::string kept =
        step(Step::kWriting, [&] { return write_result(*results_, job_.result, *known, job_.formats); });
    const pipeline::Transcript transcript = pipeline::parse_full_json(kept);
    const bool wanted = persistently(stop, [&] { return finish(transcript, job_.processing_s); });
    if (wanted) see_result_stays(transcript);
    return {.outcome = wanted ? Outcome::kDone : Outcome::kDropped, .audio_s = 0};
  }
  if (is_worth_cutting(recording->path(), context_.options)) return plan(*recording, stop);
  return transcribe_whole(*recording, stop);
}

pipeline::EngineRequest JobTask::request_for(const Recording& recording) {
  pipeline::EngineRequest request;
  request.audio = pipeline::media_source(recording.path());
  request.options = batched_options(parse_options(job_.options));
  request.priority = -static_cast<int>(job_.priority);
  request.events.transcribe.on_progress = [this](const pipeline::Progress& progress) {
    context_.on_progress(progress.audio_done_s, progress.audio_total_s);
  };
  if (job_.tells_segments) {
    request.events.transcribe.on_segment = [this](const pipeline::Segment& segment) {
      tell(segment_event(job_.attempt, segment));
    };
  }
  return request;
}

TaskResult JobTask::transcribe_whole(const Recording& recording, const std::stop_token& stop) {
  const auto hosted = step(Step::kModel, [&] { return context_.engines.engine(job_.model); });
  std::optional<Speakers> speakers;
  if (const auto asked = parse_options(job_.options).diarize) speakers = Speakers{&context_.engines.diarizer(), *asked};
  Transcribed done = step(
      Step::kTranscribing, [&] { return transcribe(hosted->engine(), request_for(recording), stop, speakers); },
      recording.path().string(), job_.name);
  job_.warning = without(done.warning, recording.path().string(), job_.name);
  write_transcript(done.transcript);
  const double processing_s = seconds_since_begin();
  const bool wanted = persistently(stop, [&] { return finish(done.transcript, processing_s); });
  if (wanted) see_result_stays(done.transcript);
  return {.outcome = wanted ? Outcome::kDone : Outcome::kDropped, .audio_s = done.transcript.duration_s};
}

// `transcript` becomes the result, unless there is one: then it becomes that.
void JobTask::write_transcript(pipeline::Transcript& transcript) {
  const std::string json = pipeline::full_json(transcript);
  const std::string kept =
      step(Step::kWriting, [&] { return write_result(*results_, job_.result, json, job_.formats); });
  if (kept != json) transcript = pipeline::parse_full_json(kept);
}

bool JobTask::finish(const pipeline::Transcript& transcript, double processing_s) {
  bool wanted = false;
  context_.fleet.update(item_.job, [&](Job& each) {
    wanted = each.epoch == item_.epoch && (!is_over(each.status) || each.status == JobStatus::kDone);
    if (!wanted || each.status == JobStatus::kDone) return false;
    end_job(each, JobStatus::kDone);
    each.worker = context_.options.name;
    each.content_hash = job_.content_hash;
    each.result = job_.result;
    each.language = transcript.language;
    each.audio_s = transcript.duration_s;
    each.segments = static_cast<std::int64_t>(transcript.segments.size());
    each.processing_s += processing_s;
    if (!job_.warning.empty()) each.warning = job_.warning;
    each.error.clear();
    each.ranges.reset();
    return true;
  });
  if (wanted) tell(Json{{"kind", "done"}, {"attempt", job_.attempt}}.dump());
  return wanted;
}

// Whoever removed the last other job with this result may have removed it before this one was known to have it.
void JobTask::see_result_stays(const pipeline::Transcript& transcript) {
  step(Step::kWriting, [&] {
    if (results_->exists(job_.result + ".json") || !context_.fleet.find(item_.job)) return;
    write_result(*results_, job_.result, pipeline::full_json(transcript), job_.formats);
  });
}

TaskResult JobTask::fail(const TaskFailure& failure) {
  const std::string reason = fmt::format("{} (on {})", failure.message, context_.options.name);
  std::int64_t failed = 0;
  bool wanted = false;
  context_.fleet.update(item_.job, [&](Job& each) {
    wanted = !is_over(each.status) && each.epoch == item_.epoch;
    if (!wanted) return false;
    each.failures.push_back(reason);
    failed = each.lost + static_cast<std::int64_t>(each.failures.size());
    if (failure.may_pass && item_.kind == WorkItem::Kind::kJob) each.status = JobStatus::kQueued;
    return true;
  });
  if (!wanted) return {.outcome = Outcome::kDropped};
  if (failure.may_pass && failed < context_.fleet.settings().max_attempts) {
    return {.outcome = Outcome::kAgain, .delay = pause_after(static_cast<std::size_t>(failed)), .reason = reason};
  }
  context_.fleet.bury(item_.job, item_.epoch, code_name(failure.code), failure.message);
  tell(Json{{"kind", "failed"}}.dump());
  return {.outcome = Outcome::kBuried, .reason = reason};
}

TaskResult JobTask::give_back() {
  bool wanted = false;
  context_.fleet.update(item_.job, [&](Job& each) {
    wanted = !is_over(each.status) && each.epoch == item_.epoch;
    // Ranges and merging leave the job running: its other parts are.
    if (!wanted || item_.kind != WorkItem::Kind::kJob || each.worker != context_.options.name) return false;
    each.status = JobStatus::kQueued;
    return true;
  });
  return {.outcome = wanted ? Outcome::kGivenBack : Outcome::kDropped};
}

// Whoever follows the job hears it; that nobody could be told changes nothing.
void JobTask::tell(const std::string& event_json) {
  if (!job_.tells_segments) return;
  try {
    context_.fleet.connection().publish(context_.fleet.subject("events." + item_.job), event_json);
  } catch (const Error&) {
    return;
  }
}

}  // namespace amanuensis::fleet
