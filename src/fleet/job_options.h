// How a job's recording is transcribed, in one canonical form: two jobs are the same work when model, recording and
// this text are the same. The fields are those of the server's job API. Values and pure functions; any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/diarize/options.h"
#include "pipeline/engine.h"

namespace amanuensis::fleet {

struct JobOptions {
  std::optional<std::string> language;  // a code; absent: detected
  bool translate = false;
  std::string prompt;
  double temperature = 0;  // 0: OpenAI's ladder; another is tried alone
  bool word_timestamps = true;
  bool vad_filter = false;
  std::size_t beam_size = 1;
  // Who speaks; absent: that is not asked.
  std::optional<pipeline::DiarizeOptions> diarize;
};

// {"language", "task", "prompt", "temperature", "word_timestamps", "vad_filter", "beam_size"} and, when asked for,
// "diarization" with "num_speakers", "min_speakers", "max_speakers".
std::string options_json(const JobOptions& options);
// What is missing has its default. Throws Error{kBadData}.
JobOptions parse_options(std::string_view json);

// What the engine is given.
pipeline::BatchedOptions batched_options(const JobOptions& options);

}  // namespace amanuensis::fleet
