#include "decoding/decode_window.h"

#include <cmath>
#include <optional>
#include <utility>

#include "base/error.h"
#include "decoding/log_prob.h"
#include "decoding/text_measure.h"

namespace amanuensis::decoding {

namespace {

// By the model's backend.
RowSummary summary_of(const model::WhisperModel& model, std::span<const float> logits) {
  const device::RowSummary row = model.summarise(logits);
  return {.arg_max = row.index,
          .log_sum_exp = static_cast<double>(row.largest) + std::log(static_cast<double>(row.sum))};
}

}  // namespace

WindowDecoder::WindowDecoder(const DecodingContext& context, std::shared_ptr<const model::EncodedWindow> window,
                             const DecodingOptions& options, SequencePool* pool)
    : context_(context),
      options_(options),
      rules_(make_logit_rules(options, context.tokenizer, context.generation)),
      initial_(make_initial_tokens(options, context.tokenizer, context.generation, context.model.dims().n_text_ctx)),
      sample_length_(resolve_sample_length(options, context.model.dims().n_text_ctx)),
      search_(make_search(options, context.tokenizer.special().eot,
                          [&model = context.model](std::span<const float> row) { return summary_of(model, row); })),
      sequences_(context.model, pool, std::move(window)) {
  sequences_.add();
}

void WindowDecoder::collect(std::vector<model::DecodeItem>& items) {
  const std::size_t vocabulary = context_.model.dims().n_vocab;
  if (own_logits_.size() < rows() * vocabulary) own_logits_ = AlignedBuffer<float>(rows() * vocabulary);
  collect(items, own_logits_.matrix(rows(), vocabulary));
}

void WindowDecoder::collect(std::vector<model::DecodeItem>& items, TensorView<float> logits) {
  logits_ = logits;
  if (phase_ == Phase::kSample) {
    for (std::size_t i = 0; i < search_->live().size(); ++i) {
      items.push_back({.sequence = &sequences_[i],
                       .tokens = std::span(search_->live()[i].tokens).last(1),
                       .logits = logits.rows_at(i, 1)});
    }
    return;
  }
  // Up to <|startoftranscript|> first: its logits hold the no-speech probability, and the vocabulary is then multiplied
  // for two positions of the prompt, not for all.
  const std::span<const TokenId> tokens(initial_.tokens);
  const std::size_t until_sot = initial_.sot_index + 1;
  items.push_back({.sequence = &sequences_[0],
                   .tokens = phase_ == Phase::kUntilSot ? tokens.first(until_sot) : tokens.subspan(until_sot),
                   .logits = logits.rows_at(0, 1)});
}

void WindowDecoder::choose() {
  sampled_ = false;
  if (phase_ == Phase::kUntilSot) {
    const TokenId no_speech = context_.tokenizer.special().no_speech;
    if (no_speech >= 0) {
      const double logit = logits_(0, static_cast<std::size_t>(no_speech));
      result_.no_speech_prob = std::exp(logit - summary_of(context_.model, logits_.row(0)).log_sum_exp);
    }
    phase_ = Phase::kPrompt;
    if (initial_.sot_index + 1 < initial_.tokens.size()) return;
  }
  phase_ = Phase::kSample;
  for (std::size_t i = 0; i < search_->live().size(); ++i) {
    apply_logit_rules(rules_, search_->live()[i].tokens, logits_.row(i));
  }
  search_->advance(logits_);
  sampled_ = true;
}

void WindowDecoder::settle() {
  if (!sampled_) return;
  ++steps_;
  const bool context_full = initial_.tokens.size() + steps_ > context_.model.dims().n_text_ctx;
  if (search_->complete() || steps_ >= sample_length_ || context_full) {
    finish();
  } else {
    rearrange_sequences();
  }
}

// Gives every live sequence the keys and values of the one it continues. The first to continue one takes it over; only
// the others copy, into sequences that nothing continues.
void WindowDecoder::rearrange_sequences() {
  const std::span<const std::size_t> sources = search_->sources();
  std::vector<std::optional<std::size_t>> taken_by(sequences_.size());
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (!taken_by[sources[i]]) taken_by[sources[i]] = i;
  }
  std::vector<std::size_t> spare;
  for (std::size_t s = 0; s < sequences_.size(); ++s) {
    if (!taken_by[s]) spare.push_back(s);
  }

  // place[i] is where live sequence i is to be found among the sequences as they stand.
  std::vector<std::size_t> place(sources.size());
  for (std::size_t i = 0; i < sources.size(); ++i) {
    place[i] = sources[i];
    if (taken_by[sources[i]] == i) continue;
    if (spare.empty()) {
      spare.push_back(sequences_.size());
      sequences_.add();
    }
    place[i] = spare.back();
    spare.pop_back();
    context_.model.copy_sequence(sequences_[place[i]], sequences_[sources[i]]);
  }

  place.insert(place.end(), spare.begin(), spare.end());
  sequences_.reorder(place);
}

void WindowDecoder::finish() {
  std::vector<Hypothesis> candidates = search_->finish();
  Hypothesis& best = candidates[best_candidate(candidates, options_.length_penalty)];
  result_.tokens = std::move(best.tokens);
  result_.token_logprobs = std::move(best.token_logprobs);
  result_.text = strip_text(context_.tokenizer.decode_text(result_.tokens));
  result_.temperature = options_.temperature;
  result_.avg_logprob = static_cast<double>(best.sum_logprob) / static_cast<double>(result_.tokens.size() + 1);
  result_.compression_ratio = compression_ratio(result_.text);
  sequences_.clear();
  done_ = true;
}

void check_options(const DecodingContext& context, const DecodingOptions& options) {
  make_logit_rules(options, context.tokenizer, context.generation);
  make_initial_tokens(options, context.tokenizer, context.generation, context.model.dims().n_text_ctx);
  make_search(options, context.tokenizer.special().eot);
}

WindowResult decode_window(const DecodingContext& context, std::shared_ptr<const model::EncodedWindow> window,
                           const DecodingOptions& options, const std::stop_token& stop) {
  WindowDecoder decoder(context, std::move(window), options);
  std::vector<model::DecodeItem> items;
  while (!decoder.done()) {
    if (stop.stop_requested()) throw Error(ErrorCode::kCancelled, "transcription was cancelled");
    items.clear();
    decoder.collect(items);
    context.model.decode(items);
    decoder.advance();
  }
  return decoder.result();
}

}  // namespace amanuensis::decoding
