#include "pipeline/diarize/diarizer.h"

#include <utility>

#include "audio/decode.h"
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
  return parts_.segmenter ? open_segmented_session(parts_, model_, options)
                          : open_voice_session(parts_, model_, options);
}

Diarization Diarizer::diarize(std::span<const float> samples, const DiarizeOptions& options,
                              const std::stop_token& stop) const {
  const auto session = open(options);
  session->push(samples);
  return session->finish(stop);
}

std::vector<float> Diarizer::voice(std::span<const float> samples) const {
  DiarizeOptions options;
  options.num_speakers = 1;
  const Diarization diarization = diarize(samples, options);
  if (diarization.speakers.empty() || diarization.speakers.front().voice.empty()) {
    throw Error(ErrorCode::kBadData, "there is no speech in it; give a few seconds of one person speaking");
  }
  return diarization.speakers.front().voice;
}

std::vector<float> Diarizer::voice_of_file(std::span<const std::byte> file, const std::string& name) const {
  audio::AudioReader reader = audio::AudioReader::from_memory(file, name);
  std::vector<float> samples;
  std::vector<float> piece(std::size_t{10} * audio::kSampleRateHz);
  while (const std::size_t got = reader.read(piece)) {
    samples.insert(samples.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(got));
  }
  return voice(samples);
}

}  // namespace amanuensis::pipeline
