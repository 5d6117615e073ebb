// Batched transcription of any number of recordings at once. An engine owns the scheduler and its threads: one drives
// the model, a few others read audio, find speech, compute log-mels and tell the caller; audio streams through, so that
// a recording of any length takes the memory of a few windows. Each window of speech is decoded on its own, with every
// safeguard of the sequential algorithm (temperature fallback, no-speech, language, prompt and hotwords), and its times
// are moved back to the original audio.
//
// The model is immutable and shared. Any thread may use an engine and its handles. While an engine exists, nobody else
// may call the model.
#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "audio/log_mel.h"
#include "decoding/decode_window.h"
#include "decoding/scheduler.h"
#include "pipeline/engine_source.h"
#include "pipeline/ranges.h"
#include "pipeline/segment/segmenter.h"
#include "pipeline/segment/voice_detector.h"
#include "pipeline/transcriber.h"
#include "pipeline/transcript.h"

namespace amanuensis::pipeline {

// A pause of 160 ms ends a span, as in faster-whisper's batched pipeline: windows are filled up with whole spans.
inline SegmenterOptions batched_segmenter_options() {
  SegmenterOptions options;
  options.speech.min_silence_duration_ms = 160;
  return options;
}

// What one recording is transcribed with. Of TranscribeOptions, what looks at earlier text or times has no meaning here
// and is not used: condition_on_previous_text, carry_initial_prompt (the initial prompt goes before every window),
// clip_timestamps and hallucination_silence_threshold_s.
struct BatchedOptions {
  TranscribeOptions transcribe;
  // Whether only what the voice detector takes for speech is decoded; otherwise the audio is only cut into windows.
  bool vad_filter = true;
  // window.max_samples is set to the model's window.
  SegmenterOptions segmenter = batched_segmenter_options();
  // Detect each window's language on its own.
  bool multilingual = false;
  // Decode what a window's text left open in a window of its own (see cut_batched).
  bool continue_windows = true;
};

// Called on the engine's threads, one call at a time for each request, in the order of the audio.
struct EngineEvents {
  TranscribeEvents transcribe = {};
  // Each window's text before it becomes part of the transcript: what a TranscriptBuilder takes.
  std::function<void(const WindowText& text)> on_window = nullptr;
  // Once, last: `error` is null when the transcript is complete.
  std::function<void(const Transcript& transcript, const std::exception_ptr& error)> on_end = nullptr;
};

struct EngineRequest {
  AudioSourceOpener audio;
  BatchedOptions options = {};
  EngineEvents events = {};
  int priority = 0;     // among requests that wait for the model; higher goes first
  double weight = 1.0;  // share among requests of one priority
  std::optional<decoding::SchedulerClock::time_point> deadline = std::nullopt;
  // These windows alone, of a recording that was planned; `audio` is theirs. The transcript is then theirs as well, and
  // its words stand in order within the range.
  std::shared_ptr<const WindowRange> range = nullptr;
};

// How long the engine's work has taken so far. Stages overlap: their sum exceeds the time that has passed.
struct EngineTimes {
  double decode_s = 0;  // media files to samples
  double vad_s = 0;
  double mel_s = 0;
  decoding::BatchTimes batch;  // encoder, decoder, choosing, word alignment ("finishing")
};

struct EngineOptions {
  // The finishing hook is the engine's own.
  decoding::SchedulerOptions scheduler = {};
  // For the log-mel; `largest`, padding and pool are the engine's.
  audio::LogMelOptions front_end = {};
  // Makes a detector for each recording that is filtered. Absent: nothing can be, and all audio is decoded.
  VoiceDetectorFactory detector = nullptr;
  std::size_t front_end_threads = 2;
  // Requests that are worked on at once; others wait, by priority and then in order.
  std::size_t max_active = 64;
};

class Engine {
  struct State;
  class Request;

 public:
  // A submitted request. Copies are the same request; a handle may outlive the engine.
  class Handle {
   public:
    // Ends the request with Error{kCancelled} unless it has already ended.
    void cancel() const;
    bool done() const;
    // Waits for the end; throws the request's error.
    Transcript wait() const;
    // What was wrong with the audio that could be read; once done.
    std::string warning() const;

   private:
    friend class Engine;
    explicit Handle(std::shared_ptr<Request> request) : request_(std::move(request)) {}
    std::shared_ptr<Request> request_;
  };

  // What the context refers to must outlive the engine.
  Engine(const decoding::DecodingContext& context, EngineOptions options);
  // Cancels what is left and waits for it.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Throws Error{kInvalidArgument} for options that make no sense for this model; all later failures are the request's.
  Handle submit(EngineRequest request);

  // Reads a recording and finds the windows that a request with these options would decode, on the calling thread, in
  // the order of the audio. Throws what reading throws, what `on_window` throws, and as submit() does.
  PlanFacts plan(const AudioSourceOpener& audio, const BatchedOptions& options,
                 const std::function<void(PlannedWindow window)>& on_window) const;

  EngineTimes times() const;
  decoding::Scheduler::Counts counts() const;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace amanuensis::pipeline
