#include "decoding/logit_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "decoding/log_prob.h"
#include "model/whisper/constants.h"

namespace amanuensis::decoding {

namespace {

constexpr float kForbidden = -std::numeric_limits<float>::infinity();

// Forbids tokens [first, last), as far as the row has them.
void suppress_range(TokenId first, TokenId last, std::span<float> logits) {
  const std::size_t begin = std::min(static_cast<std::size_t>(std::max<TokenId>(first, 0)), logits.size());
  const std::size_t end = std::min(static_cast<std::size_t>(std::max<TokenId>(last, 0)), logits.size());
  if (begin < end)
    std::fill(logits.begin() + static_cast<std::ptrdiff_t>(begin), logits.begin() + static_cast<std::ptrdiff_t>(end),
              kForbidden);
}

TokenId row_end(std::span<const float> logits) { return static_cast<TokenId>(logits.size()); }

}  // namespace

std::vector<TokenId> resolve_suppress_tokens(std::span<const TokenId> requested, const model::Tokenizer& tokenizer,
                                             const model::GenerationSettings& generation) {
  std::vector<TokenId> tokens;
  if (requested.empty()) return tokens;
  bool own_list = false;
  for (const TokenId id : requested) {
    if (id == -1) {
      own_list = true;
    } else if (id < 0 || static_cast<std::size_t>(id) >= tokenizer.vocabulary_size()) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("cannot suppress token {}: this model's tokens are 0 to {} (-1 stands for its own list)",
                              id, tokenizer.vocabulary_size() - 1));
    } else {
      tokens.push_back(id);
    }
  }
  if (own_list) {
    const std::vector<TokenId> list =
        generation.suppress_tokens.empty() ? tokenizer.non_speech_tokens() : generation.suppress_tokens;
    tokens.insert(tokens.end(), list.begin(), list.end());
  }
  const model::SpecialTokens& special = tokenizer.special();
  for (const TokenId id :
       {special.transcribe, special.translate, special.sot, special.sot_prev, special.sot_lm, special.no_speech}) {
    if (id >= 0) tokens.push_back(id);
  }
  std::sort(tokens.begin(), tokens.end());
  tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
  return tokens;
}

LogitRules make_logit_rules(const DecodingOptions& options, const model::Tokenizer& tokenizer,
                            const model::GenerationSettings& generation) {
  const model::SpecialTokens& special = tokenizer.special();
  LogitRules rules;
  rules.suppress = resolve_suppress_tokens(options.suppress_tokens, tokenizer, generation);
  if (options.suppress_blank) {
    rules.suppress_first = generation.begin_suppress_tokens;
    if (rules.suppress_first.empty()) {
      rules.suppress_first = tokenizer.encode(" ");
      rules.suppress_first.push_back(special.eot);
    }
  }
  rules.timestamps = !options.without_timestamps;
  rules.eot = special.eot;
  rules.no_timestamps = special.no_timestamps;
  rules.timestamp_begin = special.timestamp_begin;
  rules.vocabulary_size = tokenizer.vocabulary_size();
  if (!(options.repetition_penalty > 0) || !std::isfinite(options.repetition_penalty)) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format("repetition penalty is {}; it must be above 0, and 1 is no penalty", options.repetition_penalty));
  }
  rules.repetition_penalty = options.repetition_penalty;
  rules.no_repeat_ngram_size = options.no_repeat_ngram_size;
  if (options.max_initial_timestamp_s.value_or(0) > 0) {
    // Half to even, as Python rounds.
    rules.max_initial_timestamp_index =
        static_cast<std::size_t>(std::nearbyint(*options.max_initial_timestamp_s / model::kSecondsPerPosition));
  }
  return rules;
}

void apply_logit_rules(const LogitRules& rules, std::span<const TokenId> sampled, std::span<float> logits) {
  suppress_range(static_cast<TokenId>(rules.vocabulary_size), row_end(logits), logits);
  if (rules.repetition_penalty != 1.0) penalise_repetition(rules.repetition_penalty, sampled, logits);
  if (rules.no_repeat_ngram_size > 0) forbid_repeated_ngrams(rules.no_repeat_ngram_size, sampled, logits);
  if (sampled.empty()) suppress(rules.suppress_first, logits);
  suppress(rules.suppress, logits);
  if (!rules.timestamps) return;
  if (rules.no_timestamps >= 0) suppress({&rules.no_timestamps, 1}, logits);
  apply_timestamp_order(rules, sampled, logits);
  if (sampled.empty()) apply_initial_timestamp(rules, logits);
  apply_timestamp_mass(rules, logits);
}

void penalise_repetition(double penalty, std::span<const TokenId> sampled, std::span<float> logits) {
  std::vector<TokenId> distinct(sampled.begin(), sampled.end());
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  for (const TokenId id : distinct) {
    if (id < 0 || static_cast<std::size_t>(id) >= logits.size()) continue;
    float& logit = logits[static_cast<std::size_t>(id)];
    logit = static_cast<float>(logit < 0 ? logit * penalty : logit / penalty);
  }
}

void forbid_repeated_ngrams(std::size_t size, std::span<const TokenId> sampled, std::span<float> logits) {
  if (size == 0 || sampled.size() < size) return;
  const std::span<const TokenId> begun = sampled.last(size - 1);
  for (std::size_t i = 0; i + size <= sampled.size(); ++i) {
    const std::span<const TokenId> earlier = sampled.subspan(i, size);
    if (std::equal(begun.begin(), begun.end(), earlier.begin())) suppress(earlier.last(1), logits);
  }
}

void suppress(std::span<const TokenId> tokens, std::span<float> logits) {
  for (const TokenId id : tokens) {
    if (id >= 0 && static_cast<std::size_t>(id) < logits.size()) logits[static_cast<std::size_t>(id)] = kForbidden;
  }
}

void apply_timestamp_order(const LogitRules& rules, std::span<const TokenId> sampled, std::span<float> logits) {
  const auto is_timestamp = [&rules](TokenId id) { return id >= rules.timestamp_begin; };
  const std::size_t n = sampled.size();
  const bool last_was_timestamp = n >= 1 && is_timestamp(sampled[n - 1]);
  const bool penultimate_was_timestamp = n < 2 || is_timestamp(sampled[n - 2]);
  if (last_was_timestamp) {
    if (penultimate_was_timestamp) {
      suppress_range(rules.timestamp_begin, row_end(logits), logits);  // a segment has begun: text must follow
    } else {
      suppress_range(0, rules.eot, logits);  // a segment has ended: the next one begins, or the text ends
    }
  }
  const auto latest = std::find_if(sampled.rbegin(), sampled.rend(), is_timestamp);
  if (latest == sampled.rend()) return;
  // The next segment may begin where this one ended; any other time token must be later than the last.
  const bool may_repeat = last_was_timestamp && !penultimate_was_timestamp;
  suppress_range(rules.timestamp_begin, may_repeat ? *latest : *latest + 1, logits);
}

void apply_initial_timestamp(const LogitRules& rules, std::span<float> logits) {
  suppress_range(0, rules.timestamp_begin, logits);
  if (rules.max_initial_timestamp_index) {
    const auto last_allowed = static_cast<std::size_t>(rules.timestamp_begin) + *rules.max_initial_timestamp_index;
    if (last_allowed + 1 < logits.size()) {
      suppress_range(static_cast<TokenId>(last_allowed + 1), row_end(logits), logits);
    }
  }
}

void apply_timestamp_mass(const LogitRules& rules, std::span<float> logits) {
  const auto begin = static_cast<std::size_t>(rules.timestamp_begin);
  if (begin >= logits.size()) return;
  // Both sides lack the same normaliser, the log-sum-exp of the whole row.
  const std::span<float> text = logits.first(begin);
  const double timestamp_mass = log_sum_exp(logits.subspan(begin));
  if (timestamp_mass > static_cast<double>(max_value(text))) {
    suppress_range(0, rules.timestamp_begin, logits);
  }
}

}  // namespace amanuensis::decoding
