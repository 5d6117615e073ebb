#include "fleet/submission.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <utility>

#include "base/error.h"
#include "pipeline/engine_source.h"

namespace amanuensis::fleet {
namespace {

// As far as the file says without being read; a worker finds out the rest.
double length_s(const std::string& path) {
  try {
    return pipeline::media_source(path)()->duration_s().value_or(0);
  } catch (const Error&) {
    return 0;
  }
}

std::string identity_of(const Input& input) {
  return fmt::format("{}\n{}\n{}", input.source, input.etag, input.size_bytes);
}

}  // namespace

std::string absolute_address(const std::string& address) {
  if (address.starts_with("file://")) return address.substr(7);
  return is_remote(address) ? address : std::filesystem::absolute(address).lexically_normal().string();
}

Submission::Submission(Fleet& fleet, SubmissionOptions options)
    : fleet_(fleet), options_(std::move(options)), stores_(options_.storage) {}

std::string Submission::uploaded(const Input& input, const std::string& hash, const std::stop_token& stop) {
  const auto store = stores_.open(options_.upload);
  const std::string key =
      fmt::format("{}/{}{}", hash.substr(0, 2), hash, std::filesystem::path(input.name).extension().string());
  if (!store->exists(key, stop)) store->write_file(key, input.source, {.stop = stop});
  return store->uri(key);
}

Submitted Submission::submit(const Input& input, const std::stop_token& stop) {
  Job job;
  job.name = input.name;
  job.source = input.source;
  job.size_bytes = static_cast<std::int64_t>(input.size_bytes);
  job.priority = options_.priority;
  job.model = options_.model;
  job.options = options_.options;
  job.results = options_.results;
  job.formats = options_.formats;
  std::string recording;
  if (input.is_file) {
    recording = job.content_hash = sha256_of_file(input.source);
    read_bytes_ += input.size_bytes;
  } else {
    recording = identity_of(input);
  }
  // Where the results go is part of what is asked for.
  job.id =
      job_id(recording, job.model, fmt::format("{}\n{}\n{}", job.options, job.results, fmt::join(job.formats, ",")));
  if (input.is_file) {
    job.audio_s = length_s(input.source);
    if (!options_.upload.empty()) job.source = uploaded(input, job.content_hash, stop);
  }
  const bool is_new = fleet_.submit(job);
  if (is_new) ++new_jobs_;
  return {.job = std::move(job), .is_new = is_new};
}

}  // namespace amanuensis::fleet
