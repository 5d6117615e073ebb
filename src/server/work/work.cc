#include "server/work/work.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "pipeline/diarize/with_speakers.h"

namespace amanuensis::server {
namespace {

constexpr std::array<std::string_view, 5> kStatuses{"queued", "running", "done", "failed", "cancelled"};
constexpr std::array<std::string_view, 7> kKinds{"queued", "running", "progress", "segment",
                                                 "done",   "failed",  "cancelled"};

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

// Refuses audio that goes on for longer than it may.
class LimitedSource : public pipeline::AudioSource {
 public:
  LimitedSource(std::unique_ptr<pipeline::AudioSource> source, double max_s)
      : source_(std::move(source)), max_s_(max_s) {
    if (source_->duration_s().value_or(0) > max_s_) refuse();
  }
  std::size_t read(std::span<float> out) override {
    constexpr double kRate = 16000;
    const std::size_t got = source_->read(out);
    read_s_ += static_cast<double>(got) / kRate;
    if (read_s_ > max_s_) refuse();
    return got;
  }
  std::optional<double> duration_s() const override { return source_->duration_s(); }
  std::string warning() const override { return source_->warning(); }

 private:
  [[noreturn]] void refuse() const {
    throw HttpError({.status = 413,
                     .message = fmt::format("the audio is longer than the {:.0f} s this server takes", max_s_),
                     .code = "audio_too_long",
                     .param = "file"});
  }

  std::unique_ptr<pipeline::AudioSource> source_;
  double max_s_;
  double read_s_ = 0;
};

pipeline::AudioSourceOpener limited_source(const WorkSpec& spec) {
  return [open = pipeline::media_source(spec.audio), max_s = spec.max_audio_s] {
    auto source = open();
    if (max_s > 0) source = std::make_unique<LimitedSource>(std::move(source), max_s);
    return source;
  };
}

}  // namespace

std::string_view to_string(WorkStatus status) { return kStatuses[static_cast<std::size_t>(status)]; }

std::optional<WorkStatus> parse_status(std::string_view text) {
  const auto found = std::find(kStatuses.begin(), kStatuses.end(), text);
  if (found == kStatuses.end()) return std::nullopt;
  return static_cast<WorkStatus>(found - kStatuses.begin());
}

std::string_view to_string(WorkEventKind kind) { return kKinds[static_cast<std::size_t>(kind)]; }

Work::Work(Loop& loop, WorkSpec spec) : loop_(loop), spec_(std::move(spec)) { emit(WorkEventKind::kQueued); }

double Work::waited_s() const {
  return seconds_between(queued_at_, started_at_.value_or(ended_at_.value_or(Clock::now())));
}

double Work::processing_s() const {
  return started_at_ ? seconds_between(*started_at_, ended_at_.value_or(Clock::now())) : 0;
}

double Work::realtime_factor() const {
  const double elapsed_s = processing_s();
  return elapsed_s > 0 ? progress_.audio_done_s / elapsed_s : 0;
}

void Work::emit(WorkEventKind kind, std::shared_ptr<const pipeline::Segment> segment) {
  WorkEvent event{.kind = kind, .number = 0, .segment = std::move(segment)};
  if (kind != WorkEventKind::kProgress) {
    event.number = events_.size() + 1;
    events_.push_back(event);
  }
  const bool last = is_over(status_);
  for (const auto& weak : last ? std::exchange(subscribers_, {}) : subscribers_) {
    const auto subscriber = weak.lock();
    if (!subscriber) continue;
    subscriber->push(event);
    if (last) subscriber->close();
  }
  std::erase_if(subscribers_, [](const auto& weak) { return weak.expired(); });
}

std::shared_ptr<WorkEvents> Work::subscribe(std::uint64_t after) {
  auto events = std::make_shared<WorkEvents>(loop_);
  for (const WorkEvent& event : events_) {
    if (event.number > after) events->push(event);
  }
  if (over()) {
    events->close();
  } else {
    subscribers_.push_back(events);
  }
  return events;
}

Task<void> Work::wait_until_over() {
  const auto self = shared_from_this();
  const auto events = subscribe();
  while (true) {
    const WorkEvents::Wake wake = co_await events->wait(std::chrono::hours(24));
    if (wake == WorkEvents::Wake::kClosed) co_return;
    if (wake == WorkEvents::Wake::kItem) events->take();
  }
}

void Work::mark_running() {
  started_at_ = Clock::now();
  status_ = WorkStatus::kRunning;
  emit(WorkEventKind::kRunning);
}

void Work::take_progress(const pipeline::Progress& progress) {
  if (over()) return;
  if (on_audio_) on_audio_(progress.audio_done_s - progress_.audio_done_s);
  progress_ = progress;
  emit(WorkEventKind::kProgress);
}

void Work::begin(LoadedModel& model, const std::function<void(double)>& on_audio,
                 const std::function<void()>& on_over) {
  on_audio_ = on_audio;
  const auto self = shared_from_this();
  Loop* loop = &loop_;
  pipeline::EngineRequest request;
  request.audio = limited_source(spec_);
  request.options = spec_.options;
  // From English into English is what was said.
  if (!model.facts().multilingual) request.options.transcribe.decoding.task = decoding::Task::kTranscribe;
  request.priority = spec_.priority;
  request.events.transcribe.on_language = [self, loop](const std::string& code, double) {
    loop->post([self, code] { self->language_ = code; });
  };
  request.events.transcribe.on_segment = [self, loop](const pipeline::Segment& segment) {
    auto kept = std::make_shared<const pipeline::Segment>(segment);
    loop->post([self, kept] {
      if (!self->over()) self->emit(WorkEventKind::kSegment, kept);
    });
  };
  request.events.transcribe.on_progress = [self, loop](const pipeline::Progress& progress) {
    loop->post([self, progress] { self->take_progress(progress); });
  };
  request.events.on_end = [self, loop, on_over](const pipeline::Transcript& transcript,
                                                const std::exception_ptr& error) {
    auto kept = std::make_shared<pipeline::Transcript>(transcript);
    loop->post([self, kept, error, on_over] {
      if (error) {
        self->fail(error);
      } else {
        self->transcript_ = std::move(*kept);
        if (self->handle_) self->warning_ = self->without_path(self->handle_->warning());
        self->end(WorkStatus::kDone);
      }
      on_over();
    });
  };
  if (spec_.diarize && spec_.diarizer != nullptr) {
    request = pipeline::with_speakers(std::move(request), *spec_.diarizer, *spec_.diarize);
  }
  handle_ = model.engine().submit(std::move(request));
  if (cancelled_) handle_->cancel();
}

void Work::hear_running() {
  if (status_ == WorkStatus::kQueued) mark_running();
}

void Work::hear_segment(const pipeline::Segment& segment) {
  if (!over()) emit(WorkEventKind::kSegment, std::make_shared<const pipeline::Segment>(segment));
}

void Work::hear_end(WorkStatus status, const ErrorBody& error) {
  if (over()) return;
  error_ = error;
  end(status);
}

void Work::cancel() {
  if (over() || std::exchange(cancelled_, true)) return;
  if (handle_) {
    handle_->cancel();
  } else if (status_ == WorkStatus::kQueued) {
    fail(std::make_exception_ptr(Error(ErrorCode::kCancelled, "cancelled")));
    if (on_cancel_waiting) on_cancel_waiting(*this);
  }
  // Otherwise its model is being read; begin() will see it.
}

void Work::fail(const std::exception_ptr& error) {
  if (over()) return;
  error_ = describe(error);
  error_.message = without_path(error_.message);
  end(cancelled_ || error_.code == "cancelled" ? WorkStatus::kCancelled : WorkStatus::kFailed);
}

void Work::end(WorkStatus status) {
  status_ = status;
  ended_at_ = Clock::now();
  on_audio_ = nullptr;
  handle_.reset();
  emit(status == WorkStatus::kDone     ? WorkEventKind::kDone
       : status == WorkStatus::kFailed ? WorkEventKind::kFailed
                                       : WorkEventKind::kCancelled);
}

// A client is told about its file, by its own name.
std::string Work::without_path(std::string text) const {
  const std::string path = spec_.audio.string();
  for (std::size_t at = text.find(path); at != std::string::npos; at = text.find(path, at + spec_.name.size())) {
    text.replace(at, path.size(), spec_.name);
  }
  return text;
}

}  // namespace amanuensis::server
