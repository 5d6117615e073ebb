// From samples to a transcript: OpenAI's sequential long-form algorithm (openai/whisper, transcribe.py): windows that
// follow each other by their last time token, temperature fallback, prompt carry-over and no-speech skipping.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "audio/log_mel.h"
#include "decoding/options.h"
#include "model/tokenizer/tokenizer.h"
#include "model/whisper/whisper_model.h"
#include "pipeline/align/word_times.h"
#include "pipeline/transcript.h"

namespace amanuensis::pipeline {

struct TranscribeOptions {
  decoding::DecodingOptions decoding;  // its temperature, prompt and language are set per window
  decoding::FallbackOptions fallback;
  std::optional<std::string> language;  // a code or an English name; absent: detected from the first window
  std::string initial_prompt;           // text the first window is told came before
  bool carry_initial_prompt = false;    // keep it before every window's prompt
  std::string hotwords;                 // words put before every window's prompt, to make them likelier
  bool condition_on_previous_text = true;
  // When each word was said. The times also decide where the next window begins, so that the text may differ from the
  // one without them.
  bool word_timestamps = false;
  WordTimeOptions words;
  // With word times: silence longer than this (seconds) before words that look made up is skipped; absent: never.
  std::optional<double> hallucination_silence_threshold_s;
  // Ranges of the audio to transcribe, in seconds: start, end, start, end, ...; the last end may be missing.
  std::vector<double> clip_timestamps = {0.0};
};

// How far a running transcription is.
struct Progress {
  double audio_done_s = 0;
  double audio_total_s = 0;
};

// Called on the transcribing thread, in order. Both may be empty.
struct TranscribeEvents {
  std::function<void(const Segment&)> on_segment;
  std::function<void(const Progress&)> on_progress;
  // The language is known (detected or given), before the first segment; probabilities are empty when it was given.
  std::function<void(const std::string& code, double probability)> on_language;
};

class Transcriber {
 public:
  // All three must outlive the transcriber.
  // front_end: the kernels and threads of the log-mel spectrogram; its padding is set here.
  Transcriber(const model::WhisperModel& model, const model::Tokenizer& tokenizer,
              const model::GenerationSettings& generation, const audio::LogMelOptions& front_end = {});

  // Transcribes mono 16 kHz samples. Throws Error{kInvalidArgument} for options that make no sense for this model (an
  // unknown language, translate with an English-only model, ...) and Error{kCancelled} once `stop` is requested.
  Transcript transcribe(std::span<const float> samples, const TranscribeOptions& options,
                        const TranscribeEvents& events, std::stop_token stop) const;

 private:
  const model::WhisperModel& model_;
  const model::Tokenizer& tokenizer_;
  const model::GenerationSettings& generation_;
  const audio::LogMelOptions front_end_;
};

}  // namespace amanuensis::pipeline
