// A long recording, cut into ranges: planning, one range, merging.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "fleet/job_options.h"
#include "fleet/job_task.h"
#include "fleet/range_files.h"
#include "fleet/task_steps.h"
#include "fleet/transcription.h"
#include "pipeline/diarize/speaker_words.h"
#include "pipeline/diarize/with_speakers.h"
#include "pipeline/transcript_json.h"

namespace amanuensis::fleet {
namespace {

using Outcome = TaskResult::Outcome;

constexpr double kSamplesPerSecond = 16000;
constexpr std::uint64_t kLargestPart = std::uint64_t{1} << 30;

std::int16_t sixteen_bits(float sample) {
  // Exact for decoded audio, which is n / 32768.
  return static_cast<std::int16_t>(std::lround(sample * 32768.0F));
}

bool is_complete(const JobRanges& ranges) {
  return ranges.planned && static_cast<std::size_t>(std::ranges::count(ranges.done, '1')) == ranges.count;
}

bool is_done(const JobRanges& ranges, std::size_t range) {
  return range < ranges.done.size() && ranges.done[range] == '1';
}

// So many ranges from the first on are done.
std::size_t done_from_the_first(const JobRanges& ranges) {
  return std::min(ranges.done.find_first_not_of('1'), ranges.done.size());
}

// Windows that are gathered until they are a range.
struct Gathering {
  RangeInput input;
  std::size_t number = 0;
  std::optional<std::string> language;  // found in the first window

  void add(const pipeline::PlannedWindow& planned) {
    if (input.range.windows.empty()) {
      input.range.largest_mel = planned.largest_mel;
      input.start_s = static_cast<double>(planned.window.pieces.front().start) / kSamplesPerSecond;
      if (number > 0) input.language = language;
    }
    input.end_s = static_cast<double>(planned.window.pieces.back().end) / kSamplesPerSecond;
    for (const float sample : planned.samples) input.samples.push_back(sixteen_bits(sample));
    input.range.windows.push_back(planned.window);
  }
};

}  // namespace

// The language that the recording's first window is in, where the model has to find that out.
std::optional<std::string> JobTask::language_of(const pipeline::PlannedWindow& first, pipeline::Engine& engine,
                                                const std::stop_token& stop) const {
  pipeline::EngineRequest request;
  request.options = batched_options(parse_options(job_.options));
  if (request.options.transcribe.language) return std::nullopt;
  request.options.transcribe.word_timestamps = false;
  request.audio = pipeline::sample_source(first.samples);
  request.range = std::make_shared<pipeline::WindowRange>(
      pipeline::WindowRange{.windows = {first.window}, .largest_mel = first.largest_mel});
  const Transcribed done = transcribe(engine, std::move(request), stop);
  // One alone: the model knows no other, and nothing is detected.
  if (done.transcript.language_probabilities.size() <= 1) return std::nullopt;
  return done.transcript.language;
}

TaskResult JobTask::plan(const Recording& recording, const std::stop_token& stop) {
  context_.on_named(job_.name, "planning");
  persistently(stop, [&] { begin_ranges(); });
  const auto hosted = step(Step::kModel, [&] { return context_.engines.engine(job_.model); });
  const JobOptions options = parse_options(job_.options);
  std::shared_ptr<pipeline::DiarizationSession> session;
  pipeline::AudioSourceOpener audio = pipeline::media_source(recording.path(), stop);
  if (options.diarize) {
    session = context_.engines.diarizer().open(*options.diarize);
    audio = pipeline::heard_by(std::move(audio), session);
  }
  Gathering gathering;
  const auto close_range = [&] {
    if (gathering.input.range.windows.empty()) return;
    queue_range(gathering.number++, gathering.input, stop);
    gathering.input = {};
  };
  bool is_first = true;
  const auto on_window = [&](const pipeline::PlannedWindow& planned) {
    if (std::exchange(is_first, false)) gathering.language = language_of(planned, hosted->engine(), stop);
    gathering.add(planned);
    if (gathering.input.range.windows.size() >= context_.options.range_windows) close_range();
  };
  const pipeline::PlanFacts facts = step(
      Step::kTranscribing, [&] { return hosted->engine().plan(audio, batched_options(options), on_window); },
      recording.path().string(), job_.name);
  close_range();
  RangePlan plan{.count = gathering.number,
                 .duration_s = facts.duration_s,
                 .warning = without(facts.warning, recording.path().string(), job_.name),
                 .silent_language = facts.silent_language};
  if (session) plan.diarization = step(Step::kTranscribing, [&] { return session->finish(stop); });
  step(Step::kWriting, [&] { results_->write(plan_key(parts_), encode_plan(plan)); });
  const double processing_s = seconds_since_begin();
  persistently(stop, [&] {
    note_ranges([&](Job& job) {
      job.ranges->planned = true;
      job.ranges->count = plan.count;
      job.audio_s = plan.duration_s;
      job.processing_s += processing_s;
    });
  });
  return {.outcome = Outcome::kPlanned, .reason = fmt::format("{} ranges", plan.count), .audio_s = 0};
}

// What was done by a worker that was lost in between stays done.
void JobTask::begin_ranges() {
  parts_ = parts_folder(job_.id, job_.epoch);
  const auto job = context_.fleet.update(item_.job, [&](Job& each) {
    if (is_over(each.status) || each.epoch != item_.epoch || each.ranges) return false;
    each.ranges.emplace();
    each.content_hash = job_.content_hash;
    each.result = job_.result;
    return true;
  });
  if (job && job->ranges) job_.ranges = job->ranges;
}

void JobTask::queue_range(std::size_t number, const RangeInput& input, const std::stop_token& stop) {
  if (job_.ranges && is_done(*job_.ranges, number)) return;
  step(Step::kWriting, [&] { results_->write(range_key(parts_, number), encode_range(input)); });
  persistently(stop, [&] {
    context_.fleet.queue(job_, {.job = job_.id, .epoch = job_.epoch, .kind = WorkItem::Kind::kRange, .range = number});
    context_.fleet.tell_of_work();
  });
}

// Writes something down about the ranges; when they are complete, merging them is next. Whoever dies before that is
// queued has not acknowledged its own work, and does it again.
void JobTask::note_ranges(const std::function<void(Job&)>& note) {
  bool complete = false;
  const auto job = context_.fleet.update(item_.job, [&](Job& each) {
    complete = false;
    if (is_over(each.status) || each.epoch != item_.epoch || !each.ranges) return false;
    note(each);
    complete = is_complete(*each.ranges);
    return true;
  });
  if (!complete) return;
  context_.fleet.queue(*job, {.job = item_.job, .epoch = item_.epoch, .kind = WorkItem::Kind::kMerge});
  context_.fleet.tell_of_work();
}

// The job, unless it is not wanted any more.
bool JobTask::find_cut_job() {
  const auto job = context_.fleet.find(item_.job);
  if (!job || is_over(job->status) || job->epoch != item_.epoch || !job->ranges) return false;
  job_ = *job;
  parts_ = parts_folder(job_.id, job_.epoch);
  return true;
}

TaskResult JobTask::work_on_range(const std::stop_token& stop) {
  if (!persistently(stop, [&] { return find_cut_job(); })) return {.outcome = Outcome::kDropped};
  context_.on_named(job_.name, fmt::format("range {}", item_.range));
  if (delivered_ > kMostDeliveries * static_cast<std::uint64_t>(context_.fleet.settings().max_attempts)) {
    throw TaskFailure{.code = ErrorCode::kDeadlineExceeded,
                      .message = fmt::format("range {} was begun {} times without an end", item_.range, delivered_ - 1),
                      .may_pass = false};
  }
  results_ = step(Step::kFetching, [&] { return context_.stores.open(job_.results); });
  RangeInput input = step(Step::kWriting, [&] {
    return decode_range(results_->read(range_key(parts_, item_.range), kLargestPart, {.stop = stop}));
  });
  const double audio_s = input.end_s - input.start_s;
  if (!step(Step::kWriting, [&] { return results_->exists(text_key(parts_, item_.range)); })) {
    const std::string texts = transcribe_range(std::move(input), stop);
    step(Step::kWriting, [&] { results_->write_if_absent(text_key(parts_, item_.range), texts); });
  }
  const double processing_s = seconds_since_begin();
  std::size_t first_told = 0;
  std::size_t told_end = 0;
  persistently(stop, [&] {
    note_ranges([&](Job& job) {
      JobRanges& ranges = *job.ranges;
      // Where whoever noted it was lost before the segments were told, they are told now.
      first_told = std::min(item_.range, done_from_the_first(ranges));
      told_end = done_from_the_first(ranges);
      if (is_done(ranges, item_.range)) return;
      ranges.done.resize(std::max(ranges.done.size(), item_.range + 1), '0');
      ranges.done[item_.range] = '1';
      told_end = done_from_the_first(ranges);
      ranges.audio_done_s += audio_s;
      job.processing_s += processing_s;
    });
  });
  tell_ranges(first_told, told_end);
  return {.outcome = Outcome::kDone, .audio_s = audio_s};
}

std::string JobTask::transcribe_range(RangeInput input, const std::stop_token& stop) {
  const auto hosted = step(Step::kModel, [&] { return context_.engines.engine(job_.model); });
  pipeline::EngineRequest request;
  request.options = batched_options(parse_options(job_.options));
  if (input.language) request.options.transcribe.language = input.language;
  request.priority = -static_cast<int>(job_.priority);
  request.range = std::make_shared<pipeline::WindowRange>(std::move(input.range));
  request.audio = [samples = std::make_shared<std::vector<std::int16_t>>(std::move(input.samples))] {
    return source_of(std::move(*samples));
  };
  request.events.transcribe.on_progress = [this, start_s = input.start_s,
                                           all_s = input.end_s - input.start_s](const pipeline::Progress& progress) {
    context_.on_progress(std::clamp(progress.audio_done_s - start_s, 0.0, all_s), all_s);
  };
  std::vector<pipeline::WindowText> texts;
  request.events.on_window = [&texts](const pipeline::WindowText& text) { texts.push_back(text); };
  step(Step::kTranscribing, [&] { return transcribe(hosted->engine(), std::move(request), stop); });
  return encode_texts(texts);
}

// The segments of ranges before which all is done: later ones do not change them. (Who speaks is known at the end
// alone.) They may be told twice, or later than those of the next range; whoever hears them puts them into order.
void JobTask::tell_ranges(std::size_t first, std::size_t end) {
  const JobOptions options = parse_options(job_.options);
  if (!job_.tells_segments || first >= end || options.diarize) return;
  try {
    std::size_t known = 0;
    pipeline::TranscriptMark mark;
    if (first > 0 && results_->exists(mark_key(parts_, first))) {
      known = first;
      mark = decode_mark(results_->read(mark_key(parts_, first), kLargestPart));
    }
    pipeline::TranscriptBuilder builder(options.word_timestamps, mark);
    for (std::size_t range = known; range < end; ++range) {
      for (auto& text : decode_texts(results_->read(text_key(parts_, range), kLargestPart))) {
        for (const pipeline::Segment& segment : builder.add(std::move(text))) {
          if (range >= first) tell(segment_event(job_.attempt, segment));
        }
      }
    }
    results_->write(mark_key(parts_, end), encode_mark(builder.mark()));
    // The others' end may have come, and what they handed each other gone, before that was written.
    const auto job = context_.fleet.find(item_.job);
    if (!job || is_over(job->status)) results_->remove(mark_key(parts_, end));
  } catch (const Error&) {
    return;  // they are told with the result
  }
}

TaskResult JobTask::work_on_merge(const std::stop_token& stop) {
  if (!persistently(stop, [&] { return find_cut_job(); })) return {.outcome = Outcome::kDropped};
  context_.on_named(job_.name, "merging");
  results_ = step(Step::kFetching, [&] { return context_.stores.open(job_.results); });
  pipeline::Transcript merged = step(Step::kWriting, [&] { return merge(stop); });
  write_transcript(merged);
  const std::size_t count = job_.ranges->count;
  const double processing_s = seconds_since_begin();
  const bool wanted = persistently(stop, [&] { return finish(merged, processing_s); });
  if (wanted) {
    see_result_stays(merged);
    remove_parts(count);
  }
  return {.outcome = wanted ? Outcome::kDone : Outcome::kDropped, .audio_s = 0};
}

pipeline::Transcript JobTask::merge(const std::stop_token& stop) {
  const RangePlan plan = decode_plan(results_->read(plan_key(parts_), kLargestPart, {.stop = stop}));
  const pipeline::BatchedOptions options = batched_options(parse_options(job_.options));
  pipeline::TranscriptBuilder builder(options.transcribe.word_timestamps);
  for (std::size_t range = 0; range < plan.count; ++range) {
    for (auto& text : decode_texts(results_->read(text_key(parts_, range), kLargestPart, {.stop = stop}))) {
      builder.add(std::move(text));
    }
  }
  builder.set_language(plan.silent_language, {});
  pipeline::Transcript transcript = std::move(builder.transcript());
  transcript.duration_s = plan.duration_s;
  if (plan.diarization) pipeline::assign_speakers(*plan.diarization, transcript);
  job_.warning = plan.warning;
  return transcript;
}

// What is left behind when this does not succeed costs room and nothing else.
void JobTask::remove_parts(std::size_t count) {
  try {
    for (std::size_t range = 0; range < count; ++range) {
      results_->remove(range_key(parts_, range));
      results_->remove(text_key(parts_, range));
      results_->remove(mark_key(parts_, range + 1));
    }
    results_->remove(plan_key(parts_));
  } catch (const Error&) {
    return;
  }
}

}  // namespace amanuensis::fleet
