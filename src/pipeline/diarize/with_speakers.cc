#include "pipeline/diarize/with_speakers.h"

#include <memory>
#include <utility>

#include "pipeline/diarize/speaker_words.h"

namespace amanuensis::pipeline {
namespace {

// Passes samples on, and lets the session hear them.
class HeardSource final : public AudioSource {
 public:
  HeardSource(std::unique_ptr<AudioSource> source, std::shared_ptr<DiarizationSession> session)
      : source_(std::move(source)), session_(std::move(session)) {}

  std::size_t read(std::span<float> out) override {
    const std::size_t got = source_->read(out);
    session_->push(out.first(got));
    return got;
  }
  std::optional<double> duration_s() const override { return source_->duration_s(); }
  std::string warning() const override { return source_->warning(); }

 private:
  std::unique_ptr<AudioSource> source_;
  std::shared_ptr<DiarizationSession> session_;
};

Transcript spoken_by(DiarizationSession& session, const Transcript& transcript, const TranscribeEvents& events) {
  Transcript result = transcript;
  assign_speakers(session.finish({}), result);
  if (events.on_segment) {
    for (const Segment& segment : result.segments) events.on_segment(segment);
  }
  return result;
}

}  // namespace

AudioSourceOpener heard_by(AudioSourceOpener audio, std::shared_ptr<DiarizationSession> session) {
  return [open = std::move(audio), session = std::move(session)] {
    return std::make_unique<HeardSource>(open(), session);
  };
}

EngineRequest with_speakers(EngineRequest request, const Diarizer& diarizer, const DiarizeOptions& options) {
  const std::shared_ptr<DiarizationSession> session = diarizer.open(options);
  request.options.transcribe.word_timestamps = true;
  request.audio = heard_by(std::move(request.audio), session);
  const EngineEvents told = std::move(request.events);
  request.events = told;
  request.events.transcribe.on_segment = nullptr;
  request.events.on_end = [told, session](const Transcript& transcript, const std::exception_ptr& error) {
    std::exception_ptr problem = error;
    Transcript result;
    if (!problem) {
      try {
        result = spoken_by(*session, transcript, told.transcribe);
      } catch (...) {
        problem = std::current_exception();
      }
    }
    if (told.on_end) told.on_end(problem ? transcript : result, problem);
  };
  return request;
}

}  // namespace amanuensis::pipeline
