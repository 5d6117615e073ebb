#include "pipeline/diarize/options.h"

#include <fmt/format.h>

#include "base/error.h"

namespace amanuensis::pipeline {
namespace {

void check_count(const char* name, const std::optional<std::size_t>& count) {
  if (count && (*count == 0 || *count > kMaxSpeakers)) {
    throw Error(ErrorCode::kInvalidArgument, fmt::format("{} {}: must be from 1 to {}", name, *count, kMaxSpeakers));
  }
}

}  // namespace

void check_diarize_options(const DiarizeOptions& options) {
  check_count("number of speakers", options.num_speakers);
  check_count("least number of speakers", options.min_speakers);
  check_count("greatest number of speakers", options.max_speakers);
  if (options.min_speakers && options.max_speakers && *options.min_speakers > *options.max_speakers) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("at least {} speakers but at most {}: give a minimum that is not "
                            "above the maximum",
                            *options.min_speakers, *options.max_speakers));
  }
}

}  // namespace amanuensis::pipeline
