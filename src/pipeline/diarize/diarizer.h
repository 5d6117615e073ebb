// Diarization of recordings: voice activity, voices of short pieces, clustering, resegmentation, turns. A Diarizer is
// immutable and shared by all threads; a DiarizationSession is the state of one recording, hears its audio as it is
// read (so that a transcription and its diarization read a file once), and belongs to one thread at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "pipeline/diarize/local_segmenter.h"
#include "pipeline/diarize/options.h"
#include "pipeline/diarize/speaker_embedder.h"
#include "pipeline/diarize/turns.h"
#include "pipeline/segment/voice_detector.h"

namespace amanuensis::pipeline {

struct DiarizerParts {
  // Who finds speech. Absent: the segmenter or the embedder does.
  VoiceDetectorFactory detector;
  std::shared_ptr<const SpeakerEmbedder> embedder;  // required
  std::shared_ptr<const LocalSegmenter> segmenter;  // null: voice activity and change detection
};

class DiarizationSession {
 public:
  virtual ~DiarizationSession() = default;

  // Takes the next samples (mono, 16 kHz), however many.
  virtual void push(std::span<const float> samples) = 0;
  // The audio has ended: everything that is known about it. Once. No speech is no turns. Throws Error{kCancelled} when
  // `stop` is requested meanwhile.
  virtual Diarization finish(const std::stop_token& stop) = 0;
};

class Diarizer {
 public:
  // Throws Error{kInvalidArgument} when a part is missing.
  explicit Diarizer(DiarizerParts parts);

  // What tells voices apart, for people: "builtin", "pyannote-segmentation-3.0 + wespeaker-...".
  const std::string& model() const { return model_; }
  const SpeakerEmbedder& embedder() const { return *parts_.embedder; }

  // Throws as check_diarize_options does.
  std::unique_ptr<DiarizationSession> open(const DiarizeOptions& options) const;

  // The whole recording at once.
  Diarization diarize(std::span<const float> samples, const DiarizeOptions& options,
                      const std::stop_token& stop = {}) const;

  // The voice of the one who speaks in these samples, for KnownVoice. Throws Error{kBadData} when nobody does.
  std::vector<float> voice(std::span<const float> samples) const;
  // The same of a media file in memory; `name` is for messages. Also throws as AudioReader does.
  std::vector<float> voice_of_file(std::span<const std::byte> file, const std::string& name) const;

 private:
  DiarizerParts parts_;
  std::string model_;
};

}  // namespace amanuensis::pipeline
