// One transcription in the server: what it is made of, how far it is, what has happened to it. Whoever is interested
// subscribes to its events. Belongs to the loop's thread, except where the engine's threads report (through the loop).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/diarize/diarizer.h"
#include "pipeline/engine.h"
#include "pipeline/transcript.h"
#include "server/http/channel.h"
#include "server/http/http_error.h"
#include "server/models/model_host.h"

namespace amanuensis::server {

using SystemTime = std::chrono::system_clock::time_point;

enum class WorkStatus { kQueued, kRunning, kDone, kFailed, kCancelled };
// "queued", "running", "done", "failed", "cancelled".
std::string_view to_string(WorkStatus status);
std::optional<WorkStatus> parse_status(std::string_view text);
inline bool is_over(WorkStatus status) { return status != WorkStatus::kQueued && status != WorkStatus::kRunning; }

enum class WorkEventKind { kQueued, kRunning, kProgress, kSegment, kDone, kFailed, kCancelled };
// The name of the server-sent event.
std::string_view to_string(WorkEventKind kind);

struct WorkEvent {
  WorkEventKind kind;
  // 1, 2, 3, ...; 0 for progress, which is not repeated to those who come back.
  std::uint64_t number = 0;
  std::shared_ptr<const pipeline::Segment> segment = nullptr;
};

struct WorkSpec {
  std::string id;
  std::string model;            // an installed model's id
  std::filesystem::path audio;  // on this machine
  std::string name;             // what the client calls it; messages say this instead of the path
  pipeline::BatchedOptions options;
  // Who speaks; absent: that is not asked. The queue finds who tells.
  std::optional<pipeline::DiarizeOptions> diarize = std::nullopt;
  const pipeline::Diarizer* diarizer = nullptr;
  int priority = 0;
  double max_audio_s = 0;  // longer audio is refused; 0: no limit
  bool durable = false;    // kept on disk: when the server ends it may wait for the next start
};

class Work;
using WorkEvents = Channel<WorkEvent>;

class Work : public std::enable_shared_from_this<Work> {
 public:
  Work(Loop& loop, WorkSpec spec);

  const std::string& id() const { return spec_.id; }
  const WorkSpec& spec() const { return spec_; }
  WorkStatus status() const { return status_; }
  bool over() const { return is_over(status_); }

  pipeline::Progress progress() const { return progress_; }
  const std::string& language() const { return language_; }  // empty until it is known
  SystemTime created() const { return created_; }
  double waited_s() const;      // in the queue
  double processing_s() const;  // so far
  // Audio transcribed so far by the time it took.
  double realtime_factor() const;
  const std::vector<WorkEvent>& events() const { return events_; }

  // Once done.
  const pipeline::Transcript& transcript() const { return transcript_; }
  // What was wrong with the audio that could be read; empty when nothing was.
  const std::string& warning() const { return warning_; }
  // Once failed or cancelled.
  const ErrorBody& error() const { return error_; }

  // All events with a number above `after`, then what comes; closed after the last. The work keeps no hold of it.
  std::shared_ptr<WorkEvents> subscribe(std::uint64_t after = 0);
  // Resumes when it is over.
  Task<void> wait_until_over();
  // Ends it with status cancelled unless it is over.
  void cancel();

  // For work that is done elsewhere: what is heard of it. `progress` is not over yet; the end comes once.
  void hear_running();
  void hear_progress(const pipeline::Progress& progress) { take_progress(progress); }
  void hear_segment(const pipeline::Segment& segment);
  void hear_end(WorkStatus status, const ErrorBody& error);

  // For the work queue alone.
  void begin(LoadedModel& model, const std::function<void(double audio_s)>& on_audio,
             const std::function<void()>& on_over);
  void mark_running();
  void fail(const std::exception_ptr& error);
  std::function<void(Work&)> on_cancel_waiting;

 private:
  void emit(WorkEventKind kind, std::shared_ptr<const pipeline::Segment> segment = nullptr);
  void end(WorkStatus status);
  void take_progress(const pipeline::Progress& progress);
  std::string without_path(std::string text) const;

  Loop& loop_;
  const WorkSpec spec_;
  WorkStatus status_ = WorkStatus::kQueued;
  const SystemTime created_ = std::chrono::system_clock::now();
  const Clock::time_point queued_at_ = Clock::now();
  std::optional<Clock::time_point> started_at_;
  std::optional<Clock::time_point> ended_at_;
  pipeline::Progress progress_;
  std::string language_;
  std::vector<WorkEvent> events_;
  std::vector<std::weak_ptr<WorkEvents>> subscribers_;
  std::optional<pipeline::Engine::Handle> handle_;
  bool cancelled_ = false;
  pipeline::Transcript transcript_;
  std::string warning_;
  ErrorBody error_;
  std::function<void(double)> on_audio_;
};

}  // namespace amanuensis::server
