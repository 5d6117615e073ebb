// A recording that the fleet transcribes: what is asked for, and how far it is. One JSON text in the fleet's table,
// which changes only from what was read (Table::update). Values and pure functions; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fleet/nats/work_queue.h"

namespace amanuensis::fleet {

enum class JobStatus { kQueued, kRunning, kDone, kFailed, kCancelled };
// "queued", "running", "done", "failed", "cancelled".
std::string_view to_string(JobStatus status);
std::optional<JobStatus> parse_job_status(std::string_view text);
inline bool is_over(JobStatus status) { return status != JobStatus::kQueued && status != JobStatus::kRunning; }

// A long recording that is transcribed by several workers at once.
struct JobRanges {
  std::size_t count = 0;  // once they are planned
  std::string done;       // a '1' for each that has a result
  bool planned = false;   // all of them are known, and who spoke where that was asked for
  double audio_done_s = 0;
};

struct Job {
  std::string id;
  JobStatus status = JobStatus::kQueued;
  Priority priority = Priority::kNormal;
  // Grows when a job that was over begins again: what belongs to an earlier one no longer counts.
  std::int64_t epoch = 1;
  std::int64_t created_ms = 0;  // since 1970, as all
  std::optional<std::int64_t> started_ms;
  std::optional<std::int64_t> ended_ms;
  std::int64_t attempt = 0;  // begun so often
  std::int64_t lost = 0;     // of them, those whose worker was never heard of again

  std::string owner;   // the name of the key that made it; empty: made without one
  std::string name;    // of the recording, for people
  std::string source;  // where it lies: a path that all workers see, s3://..., https://...
  std::int64_t size_bytes = 0;
  std::string url;  // what a client named, when the server has no recording of its own
  std::string model;
  std::string options = "{}";        // as options_json() writes it
  std::string results;               // the store for what comes out
  std::vector<std::string> formats;  // besides the full JSON
  std::string webhook_url;
  std::int64_t webhook_attempt = 0;
  std::optional<std::int64_t> webhook_next_ms;  // there is one to be sent, and not before then
  std::string content_hash;                     // SHA-256 of the recording, hexadecimal, once known
  double audio_s = 0;                           // its length; 0: not known yet
  bool tells_segments = false;                  // whoever follows it is told each segment as it is found

  std::optional<JobRanges> ranges;
  std::string worker;                 // the last that began it
  std::vector<std::string> failures;  // what went wrong, attempt by attempt
  std::string result;                 // the key of what came out, without ".json"
  std::string language;
  double processing_s = 0;
  std::int64_t segments = 0;
  std::string warning;
  std::string error;  // JSON object, as the server's; empty: none
};

std::string job_json(const Job& job);
// Throws Error{kBadData}.
Job parse_job(std::string_view json);

// The job is over now; whoever wants to be told of it is.
void end_job(Job& job, JobStatus status);

// SHA-256, hexadecimal.
std::string sha256_hex(std::string_view bytes);
// The same of a file's content. Throws Error{kNotFound | kIo}.
std::string sha256_of_file(const std::string& path);

// "job_" and 32 digits that are the same for the same work. `recording` is its content's hash or, where that is not
// known without fetching it, whatever changes when the content does.
std::string job_id(const std::string& recording, const std::string& model, const std::string& options);
// The name of what comes out: "ab/abcdef...-0123456789ab", of the content's hash, model and options.
std::string result_key(const std::string& content_hash, const std::string& model, const std::string& options);
// The error of a failed job, as the server shows it.
std::string job_error(std::string_view code, std::string_view message);
// Its message, for people.
std::string error_message(const Job& job);

// Milliseconds since 1970.
std::int64_t unix_ms();

}  // namespace amanuensis::fleet
