#include "fleet/task_steps.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "pipeline/engine_source.h"
#include "pipeline/transcript_json.h"

namespace amanuensis::fleet {

bool may_pass(Step step, ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kUnsupported:
      return step == Step::kModel;
    case ErrorCode::kNotFound:
      return step != Step::kFetching;
    case ErrorCode::kBadData:
      return step != Step::kTranscribing;
    default:
      return true;
  }
}

std::string_view code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "invalid_argument";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kBadData:
      return "bad_media";
    case ErrorCode::kUnsupported:
      return "unsupported_media";
    case ErrorCode::kIo:
      return "io_error";
    case ErrorCode::kNetwork:
      return "network_error";
    case ErrorCode::kCancelled:
      return "cancelled";
    case ErrorCode::kResourceExhausted:
      return "resources_exhausted";
    case ErrorCode::kDeadlineExceeded:
      return "attempts_exhausted";
    case ErrorCode::kInternal:
      return "internal_error";
  }
  return "internal_error";
}

std::string without(std::string text, const std::string& path, const std::string& name) {
  if (path.empty()) return text;
  for (std::size_t at = text.find(path); at != std::string::npos; at = text.find(path, at + name.size())) {
    text.replace(at, path.size(), name);
  }
  return text;
}

bool is_worth_cutting(const std::filesystem::path& path, const WorkerOptions& options) {
  if (options.cut_above_s <= 0) return false;
  try {
    return pipeline::media_source(path)()->duration_s().value_or(0) > options.cut_above_s;
  } catch (const Error&) {
    return false;  // transcribing it says what is wrong
  }
}

std::string segment_event(std::int64_t attempt, const pipeline::Segment& segment) {
  nlohmann::ordered_json json = {{"kind", "segment"}, {"attempt", attempt}, {"number", segment.id}};
  json["segment"] = nlohmann::ordered_json::parse(pipeline::segment_json(segment));
  return json.dump();
}

}  // namespace amanuensis::fleet
