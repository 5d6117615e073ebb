#include "pipeline/diarize/diarizer.h"

#include <utility>

#include "base/error.h"
#include "pipeline/diarize/sessions.h"

namespace amanuensis::pipeline {

Diarizer::Diarizer(DiarizerParts parts) : parts_(std::move(parts)) {
  if (!parts_.embedder || (!parts_.segmenter && !parts_.detector && !parts_.embedder->traits().knows_activity)) {
    throw Error(ErrorCode::kInvalidArgument, "diarization needs an embedder, and something that finds speech");
  }
  model_ = parts_.segmenter ? std::string(parts_.segmenter->traits().name) + " + " : "";
  model_ += parts_.embedder->traits().name;
}

std::unique_ptr<DiarizationSession> Diarizer::open(const DiarizeOptions& options) const {
  check_diarize_options(options);
  return open_voice_session(parts_, model_, options);
}

Diarization Diarizer::diarize(std::span<const float> samples, const DiarizeOptions& options,
                              const std::stop_token& stop) const {
  const auto session = open(options);
  session->push(samples);
  return session->finish(stop);
}

}  // namespace amanuensis::pipeline
