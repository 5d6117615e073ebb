// What a worker does with one piece of work, from the message to the result. The steps are such that a worker may die,
// be cut off or be overtaken between any two of them: whoever begins again finds what was finished and does the rest;
// what comes too late changes nothing. An object is one piece of work and belongs to one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/error.h"
#include "fleet/engine_host.h"
#include "fleet/fleet.h"
#include "fleet/recording.h"
#include "fleet/worker.h"

namespace amanuensis::fleet {

struct TaskContext {
  Fleet& fleet;
  EngineHost& engines;
  Stores& stores;
  const WorkerOptions& options;
  // How far the piece of work is, in seconds of audio.
  std::function<void(double done_s, double total_s)> on_progress;
  // What it is, once that is known.
  std::function<void(const std::string& name, const std::string& part)> on_named;
};

struct TaskResult {
  enum class Outcome {
    kDone,       // this worker has finished it
    kPlanned,    // a long recording was cut; its ranges are in the queue
    kDropped,    // it was not to be done any more: finished by another, cancelled, of an earlier epoch
    kBuried,     // it failed for good
    kAgain,      // it failed, and is to be tried again after `delay`
    kGivenBack,  // stopped on request
  };
  Outcome outcome = Outcome::kDropped;
  std::chrono::milliseconds delay{0};
  std::string reason = {};  // of a failure
  double audio_s = 0;       // of the recording or part
};

struct RangeInput;
struct TaskFailure;

class JobTask {
 public:
  JobTask(TaskContext context, WorkItem item, std::uint64_t delivered);
  ~JobTask();
  JobTask(const JobTask&) = delete;
  JobTask& operator=(const JobTask&) = delete;

  // Does not throw.
  TaskResult run(const std::stop_token& stop);

 private:
  TaskResult work(const std::stop_token& stop);
  TaskResult work_on_job(const std::stop_token& stop);
  TaskResult work_on_range(const std::stop_token& stop);
  TaskResult work_on_merge(const std::stop_token& stop);
  bool begin();
  TaskResult transcribe_whole(const Recording& recording, const std::stop_token& stop);
  TaskResult plan(const Recording& recording, const std::stop_token& stop);
  std::optional<std::string> language_of(const pipeline::PlannedWindow& first, pipeline::Engine& engine,
                                         const std::stop_token& stop) const;
  void begin_ranges();
  void queue_range(std::size_t number, const RangeInput& input, const std::stop_token& stop);
  void note_ranges(const std::function<void(Job&)>& note);
  bool find_cut_job();
  std::string transcribe_range(RangeInput input, const std::stop_token& stop);
  pipeline::Transcript merge(const std::stop_token& stop);
  void tell_ranges(std::size_t first, std::size_t end);
  void remove_parts(std::size_t count);
  pipeline::EngineRequest request_for(const Recording& recording);
  void write_transcript(pipeline::Transcript& transcript);
  // Writes down that the job is done; whether it was still wanted.
  bool finish(const pipeline::Transcript& transcript, double processing_s);
  void see_result_stays(const pipeline::Transcript& transcript);
  TaskResult fail(const TaskFailure& failure);
  TaskResult give_back();
  void tell(const std::string& event_json);
  double seconds_since_begin() const;

  const TaskContext context_;
  const WorkItem item_;
  const std::uint64_t delivered_;
  Job job_;
  std::shared_ptr<storage::ObjectStore> results_;
  bool is_early_ = false;  // the work is here, its job is not yet
  std::string parts_;      // of a recording that is cut: the folder of what its workers hand each other
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

}  // namespace amanuensis::fleet
