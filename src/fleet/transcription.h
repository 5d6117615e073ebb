// One recording, or a part of one, through an engine, while the calling thread waits. Any thread.
#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "pipeline/diarize/diarizer.h"
#include "pipeline/engine.h"

namespace amanuensis::fleet {

struct Transcribed {
  pipeline::Transcript transcript;
  std::string warning;  // what was wrong with audio that could be read
};

// Who tells speakers apart, and how.
struct Speakers {
  const pipeline::Diarizer* diarizer;
  pipeline::DiarizeOptions options;
};

// Throws what ended the request, and Error{kCancelled} once `stop` is requested. `on_end` is this function's own.
Transcribed transcribe(pipeline::Engine& engine, pipeline::EngineRequest request, const std::stop_token& stop,
                       const std::optional<Speakers>& speakers = std::nullopt);

}  // namespace amanuensis::fleet
