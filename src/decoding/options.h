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

  float temperature = 0.0F;
  // Samples at temperature > 0; the one with the best score is kept.
  std::size_t best_of = 5;
  // Beams at temperature 0; 1 is greedy.
  std::size_t beam_size = 1;
  // Beam search ends when round(beam_size * patience) candidates have finished.
  float patience = 1.0F;
  // Score = sum of log-probabilities / ((5 + length) / 6)^alpha (Wu et al. 2016); plain length when absent.
  std::optional<float> length_penalty;
  // Seeds the sampler, so that a run can be repeated.
  std::uint64_t seed = 0;

  std::vector<TokenId> prompt;  // previous text
  std::vector<TokenId> prefix;  // text this window must begin with
  // Tokens never sampled; -1 stands for the checkpoint's own list.
  std::vector<TokenId> suppress_tokens = {-1};
  bool suppress_blank = true;
  bool without_timestamps = false;
  // The first time token is at most this; absent: no limit.
  std::optional<double> max_initial_timestamp_s = 1.0;
  // Most tokens sampled in one window; absent: half the text context.
  std::optional<std::size_t> sample_length;
};

// When a window is decoded again at a higher temperature, and when it is taken for silence.
struct FallbackOptions {
  // Tried in turn until a window passes the checks below (Radford et al. 2022, section 4.5).
  std::vector<float> temperatures = {0.0F, 0.2F, 0.4F, 0.6F, 0.8F, 1.0F};
  // zlib ratio above which text is taken for a repetition loop; absent: not checked.
  std::optional<float> compression_ratio_threshold = 2.4F;
  // Mean log-probability below which a decode is taken for a failure; absent: not checked.
  std::optional<float> logprob_threshold = -1.0F;
  // No-speech probability above which a window with a low mean log-probability is skipped; absent: never.
  std::optional<float> no_speech_threshold = 0.6F;
};

}  // namespace amanuensis::decoding
