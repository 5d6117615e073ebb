// Which tokens may come next, as openai/whisper's logit filters decide it (decoding.py: SuppressBlank, SuppressTokens,
// ApplyTimestampRules), and two guards against loops as faster-whisper (CTranslate2) has them. Pure functions that set
// the logits of forbidden tokens to -infinity; rows are [n_vocab]. LogitRules is a plain value, immutable while a
// window is decoded; everything may be called from any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "decoding/options.h"
#include "model/checkpoint/checkpoint.h"
#include "model/tokenizer/tokenizer.h"

namespace amanuensis::decoding {

struct LogitRules {
  std::vector<TokenId> suppress;        // at every step
  std::vector<TokenId> suppress_first;  // as the first sampled token: a blank, or nothing at all
  bool timestamps = true;               // whether the rules about time tokens apply
  TokenId eot = -1;
  TokenId no_timestamps = -1;  // -1 when the vocabulary has none
  TokenId timestamp_begin = -1;
  std::size_t vocabulary_size = 0;  // one past the last token; logits beyond it are padding
  // The first time token's largest index; absent: any.
  std::optional<std::size_t> max_initial_timestamp_index;
  double repetition_penalty = 1.0;       // 1: none
  std::size_t no_repeat_ngram_size = 0;  // 0: none
};

// The rules that `options` ask for with this vocabulary.
// Throws Error{kInvalidArgument} when a token to suppress is not in the vocabulary, and for a repetition penalty that
// is not a positive number.
LogitRules make_logit_rules(const DecodingOptions& options, const model::Tokenizer& tokenizer,
                            const model::GenerationSettings& generation);

// The tokens that options.suppress_tokens stands for, ascending.
std::vector<TokenId> resolve_suppress_tokens(std::span<const TokenId> requested, const model::Tokenizer& tokenizer,
                                             const model::GenerationSettings& generation);

// Applies all rules to the logits of the token after `sampled` (what was sampled so far, without prompt and prefix).
void apply_logit_rules(const LogitRules& rules, std::span<const TokenId> sampled, std::span<float> logits);

// The single rules, in the order in which they are applied.

// Makes tokens that were sampled before less likely: a positive logit is divided by the penalty, a negative one
// multiplied, once however often the token was sampled (Keskar et al. 2019, arXiv 1909.05858).
void penalise_repetition(double penalty, std::span<const TokenId> sampled, std::span<float> logits);

// Forbids every token that would complete a run of `size` tokens that was sampled before.
void forbid_repeated_ngrams(std::size_t size, std::span<const TokenId> sampled, std::span<float> logits);

// Forbids `tokens`; those beyond the row are ignored.
void suppress(std::span<const TokenId> tokens, std::span<float> logits);

// Time tokens come in pairs (the end of a segment and the start of the next), except before the end of the text; they
// never go back, and a segment is never empty.
void apply_timestamp_order(const LogitRules& rules, std::span<const TokenId> sampled, std::span<float> logits);

// The first sampled token is a time token, at most max_initial_timestamp_index.
void apply_initial_timestamp(const LogitRules& rules, std::span<float> logits);

// When time tokens together are likelier than any single other token, only they may come.
void apply_timestamp_mass(const LogitRules& rules, std::span<float> logits);

}  // namespace amanuensis::decoding
