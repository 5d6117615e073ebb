// What a caller may choose about decoding, with OpenAI's names and defaults (openai/whisper, decoding.py and
// transcribe.py). Plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/tokenizer/vocabulary.h"

namespace amanuensis::decoding {

using model::TokenId;

enum class Task { kTranscribe, kTranslate };

// How one window is decoded at one temperature.
struct DecodingOptions {
  Task task = Task::kTranscribe;
  std::string language;  // a code such as "en"; must be known by now for a multilingual model

  double temperature = 0.0;
  // Samples at temperature > 0; the one with the best score is kept.
  std::size_t best_of = 5;
  // Beams at temperature 0; 1 is greedy.
  std::size_t beam_size = 1;
  // Beam search ends when round(beam_size * patience) candidates have finished.
  double patience = 1.0;
  // Score = sum of log-probabilities / ((5 + length) / 6)^alpha (Wu et al. 2016), 0 to 1; plain length when absent.
  std::optional<double> length_penalty;
  // Seeds the sampler, so that a run can be repeated.
  std::uint64_t seed = 0;

  std::vector<TokenId> prompt;    // previous text; its last n_text_ctx / 2 - 1 tokens are used
  std::vector<TokenId> hotwords;  // put before the previous text, at most n_text_ctx / 2 - 1; not used with a prefix
  std::vector<TokenId> prefix;    // text this window must begin with
  // Tokens never sampled, besides Whisper's own control tokens; -1 stands for the checkpoint's list (or, when it has
  // none, for every token of a symbol that is not speech). Empty: nothing is suppressed, control tokens included.
  std::vector<TokenId> suppress_tokens = {-1};
  bool suppress_blank = true;
  // Guards against loops, with faster-whisper's names and meaning. Both look at what this window has sampled so far.
  // The logits of tokens that were sampled before are divided by this (multiplied when negative); 1: no penalty.
  double repetition_penalty = 1.0;
  // No run of so many tokens occurs twice; 0: any may.
  std::size_t no_repeat_ngram_size = 0;
  bool without_timestamps = false;
  // The first time token is at most this; absent or 0: no limit.
  std::optional<double> max_initial_timestamp_s = 1.0;
  // Most tokens sampled in one window; absent: half the text context.
  std::optional<std::size_t> sample_length;
};

// When a window is decoded again at a higher temperature, and when it is taken for silence.
struct FallbackOptions {
  // Tried in turn until a window passes the checks below (Radford et al. 2022, section 4.5).
  std::vector<double> temperatures = {0.0, 0.2, 0.4, 0.6, 0.8, 1.0};
  // zlib ratio above which text is taken for a repetition loop; absent: not checked.
  std::optional<double> compression_ratio_threshold = 2.4;
  // Mean log-probability below which a decode is taken for a failure; absent: not checked.
  std::optional<double> logprob_threshold = -1.0;
  // No-speech probability above which a window with a low mean log-probability is skipped; absent: never.
  std::optional<double> no_speech_threshold = 0.6;
};

}  // namespace amanuensis::decoding
