// Transcription of audio that is still being spoken. The audio since the last committed window is transcribed again and
// again as it grows. Segments that two passes agree on (agreement.h) are transcribed once more by themselves; when that
// says the same, they are committed, and the audio is forgotten up to their end. What is committed is thus exactly what
// the transcription of that stretch of audio gives offline; it never changes again.
//
// A LiveTranscriber is the state of one conversation and belongs to one thread; push() and finish() return when the
// passes they gave rise to are done, and call the events meanwhile.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pipeline/segment/voice_detector.h"
#include "pipeline/transcriber.h"
#include "pipeline/transcript.h"

namespace amanuensis::pipeline {

// Transcribes a stretch of audio from beginning to end, as Transcriber::transcribe does.
using TranscribeFn = std::function<Transcript(std::span<const float> samples, const TranscribeOptions& options)>;

struct LiveOptions {
  // How committed windows are transcribed. condition_on_previous_text and clip_timestamps are not used: every window is
  // transcribed by itself.
  TranscribeOptions transcribe = {};
  // New audio (seconds) that is worth another pass. A pass that takes longer than this waits for no more.
  double step_s = 0.3;
  // Uncommitted audio is committed when it becomes this long, agreed or not; at most the model's window.
  double max_buffer_s = 25;
  // With a voice detector: a probability of at least this is speech; a pause this long ends what is committed.
  double speech_threshold = 0.5;
  double pause_s = 0.8;
};

// What is heard beyond the committed text: it may still change.
struct LivePartial {
  std::string text;
  std::size_t agreed_bytes = 0;  // of text, on which the last two passes agree
  double start_s = 0;            // of the audio it was heard in
  double end_s = 0;
};

// A committed stretch of audio. Segment and word times count from the beginning of the conversation.
struct LiveWindow {
  double start_s = 0;
  double end_s = 0;
  std::string text;
  std::vector<Segment> segments;
};

// Both may be empty. A window without text is not reported.
struct LiveEvents {
  std::function<void(const LivePartial&)> on_partial;
  std::function<void(const LiveWindow&)> on_committed;
};

class LiveTranscriber {
 public:
  // Without a detector all audio is taken for speech. Throws Error{kInvalidArgument} for options that make no sense.
  LiveTranscriber(TranscribeFn transcribe, LiveOptions options, LiveEvents events,
                  std::unique_ptr<VoiceDetector> detector = nullptr);
  ~LiveTranscriber();

  // Takes the next samples (mono, 16 kHz), however many. Throws what the transcription throws.
  void push(std::span<const float> samples);
  // The audio has ended: commits what is left.
  void finish();

  // All that was committed, as one transcript.
  const Transcript& transcript() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace amanuensis::pipeline
