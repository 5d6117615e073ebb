// The steps of a piece of work, and what their failures mean. For the .cc files of JobTask.
#pragma once

#include <chrono>
#include <filesystem>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "base/error.h"
#include "fleet/job_task.h"
#include "pipeline/transcript.h"

namespace amanuensis::fleet {

// Why a step failed, and whether another try may help.
struct TaskFailure {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
  bool may_pass = true;  // another try, or another worker, may succeed
};

enum class Step { kFetching, kModel, kTranscribing, kWriting };

// A range may be handed out more often than a job: workers that drain give it back.
inline constexpr std::uint64_t kMostDeliveries = 4;

// Whether an error of this step can be expected to pass.
bool may_pass(Step step, ErrorCode code);
// "bad_data", as clients read it.
std::string_view code_name(ErrorCode code);
// `text` with `path` called `name`.
std::string without(std::string text, const std::string& path, const std::string& name);

// Runs a step; what it throws becomes a TaskFailure, with `path` called `name` in its message.
template <typename Work>
auto step(Step which, const Work& work, const std::string& path = {}, const std::string& name = {}) {
  try {
    return work();
  } catch (const Error& error) {
    throw TaskFailure{
        .code = error.code(), .message = without(error.what(), path, name), .may_pass = may_pass(which, error.code())};
  }
}

// Tries what needs the servers again while they cannot be reached, for some minutes or until `stop`.
template <typename Work>
auto persistently(const std::stop_token& stop, const Work& work) {
  constexpr std::chrono::milliseconds kPause{500};
  constexpr int kTries = 240;
  for (int tries = 1;; ++tries) {
    try {
      return work();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kNetwork || tries == kTries || stop.stop_requested()) throw;
    }
    std::this_thread::sleep_for(kPause);
  }
}

// Whether the recording is longer than what one worker takes as a whole. What cannot be opened is not.
bool is_worth_cutting(const std::filesystem::path& path, const WorkerOptions& options);

// {"kind": "segment", ...}
std::string segment_event(std::int64_t attempt, const pipeline::Segment& segment);

}  // namespace amanuensis::fleet
