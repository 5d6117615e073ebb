// One window decoded at one temperature (openai/whisper, decoding.py: DecodingTask). WindowDecoder is the state of one
// such decode: it says what it wants from the next batched decoder call and takes the logits, so that one caller can
// advance the windows of many requests together. decode_window() is the caller for a single window.
// A WindowDecoder owns its sequences and belongs to one thread at a time; DecodingContext is shared and immutable.
#pragma once

#include <cstddef>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "decoding/logit_rules.h"
#include "decoding/options.h"
#include "decoding/prompt.h"
#include "decoding/search.h"
#include "decoding/sequence_pool.h"
#include "model/checkpoint/checkpoint.h"
#include "model/tokenizer/tokenizer.h"
#include "model/whisper/whisper_model.h"

namespace amanuensis::decoding {

// What all decoding of one model shares. The three must outlive everything that holds a context.
struct DecodingContext {
  const model::WhisperModel& model;
  const model::Tokenizer& tokenizer;
  const model::GenerationSettings& generation;
};

struct WindowResult {
  std::vector<TokenId> tokens;        // text and time tokens, without the end-of-text token
  std::vector<float> token_logprobs;  // of each of them, after the logit rules
  std::string text;                   // without time tokens and surrounding white space
  double temperature = 0;
  double avg_logprob = 0;        // sum over the tokens and the end-of-text token, divided by their number
  double no_speech_prob = 0;     // of <|nospeech|> after <|startoftranscript|>; 0 when the vocabulary has none
  double compression_ratio = 0;  // of the text
};

class WindowDecoder {
 public:
  // Sequences come from `pool`, if there is one; it must outlive the decoder.
  // Throws Error{kInvalidArgument} for options that make no sense for this model.
  WindowDecoder(const DecodingContext& context, std::shared_ptr<const model::EncodedWindow> window,
                const DecodingOptions& options, SequencePool* pool = nullptr);

  bool done() const { return done_; }
  // Rows of logits that the next call writes for this window; at least one while not done().
  std::size_t rows() const { return phase_ == Phase::kSample ? search_->live().size() : 1; }
  // Appends this window's part of the next decoder call, which writes to `logits` [rows(), n_vocab]. Items and logits
  // stay valid until advance().
  void collect(std::vector<model::DecodeItem>& items, TensorView<float> logits);
  // The same with logits that the decoder keeps.
  void collect(std::vector<model::DecodeItem>& items);
  // Takes the logits that the call has written: choose(), then settle().
  void advance() {
    choose();
    settle();
  }
  // The arithmetic on the logits, which are written to. Touches neither the model nor the pool, so that the windows of
  // one call may do it on several threads.
  void choose();
  // What follows from it for the sequences; ends the window when it is complete.
  void settle();
  // Once done().
  WindowResult result() const { return result_; }

 private:
  enum class Phase { kUntilSot, kPrompt, kSample };

  void rearrange_sequences();
  void finish();

  const DecodingContext context_;
  const DecodingOptions options_;
  const LogitRules rules_;
  const InitialTokens initial_;
  const std::size_t sample_length_;

  std::unique_ptr<TokenSearch> search_;
  SequenceLease sequences_;          // sequences_[i] holds what search_->live()[i] holds, or is spare
  TensorView<float> logits_;         // of the call in progress
  AlignedBuffer<float> own_logits_;  // [most live sequences, n_vocab], for a caller that brings none
  Phase phase_ = Phase::kUntilSot;
  bool sampled_ = false;  // by the last choose()
  std::size_t steps_ = 0;
  bool done_ = false;
  WindowResult result_;
};

// Throws Error{kInvalidArgument} if these options, language included, make no sense for this model.
void check_options(const DecodingContext& context, const DecodingOptions& options);

// Decodes one window to its end. Throws as WindowDecoder does, and Error{kCancelled} once `stop` is requested.
WindowResult decode_window(const DecodingContext& context, std::shared_ptr<const model::EncodedWindow> window,
                           const DecodingOptions& options, const std::stop_token& stop);

}  // namespace amanuensis::decoding
