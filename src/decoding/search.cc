#include "decoding/search.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <utility>

#include "base/error.h"

namespace amanuensis::decoding {

namespace {

// More would only exhaust memory: every sequence has keys and values of its own.
constexpr std::size_t kMaxSequences = 256;

[[noreturn]] void refuse(const std::string& message) { throw Error(ErrorCode::kInvalidArgument, message); }

void check_count(std::size_t count, const char* name) {
  if (count < 1 || count > kMaxSequences) {
    refuse(fmt::format("{} is {}; it must be between 1 and {}", name, count, kMaxSequences));
  }
}

double score(const Hypothesis& candidate, std::optional<double> length_penalty) {
  const auto length = static_cast<double>(candidate.tokens.size());
  if (length_penalty) return candidate.sum_logprob / std::pow((5 + length) / 6, *length_penalty);
  // The reference divides by zero here; text of no token at all can only be worse than any other.
  if (candidate.tokens.empty()) return -std::numeric_limits<double>::infinity();
  return candidate.sum_logprob / length;
}

}  // namespace

std::unique_ptr<TokenSearch> make_search(const DecodingOptions& options, TokenId eot, Summarise summarise) {
  if (!(options.temperature >= 0) || !std::isfinite(options.temperature)) {
    refuse(fmt::format("temperature is {}; it must be 0 or more", options.temperature));
  }
  if (options.length_penalty && !(*options.length_penalty >= 0 && *options.length_penalty <= 1)) {
    refuse(fmt::format("length penalty is {}; it must be between 0 and 1", *options.length_penalty));
  }
  if (options.temperature > 0) {
    check_count(options.best_of, "best-of");
    return make_sample_search({.temperature = options.temperature,
                               .samples = options.best_of,
                               .seed = options.seed,
                               .eot = eot,
                               .summarise = std::move(summarise)});
  }
  check_count(options.beam_size, "beam size");
  const double ended = std::nearbyint(static_cast<double>(options.beam_size) * options.patience);
  if (!(ended >= 1) || ended > static_cast<double>(kMaxSequences)) {
    refuse(fmt::format("patience is {}; beam size times patience must round to a number between 1 and {}",
                       options.patience, kMaxSequences));
  }
  if (options.beam_size == 1) return make_sample_search({.eot = eot, .summarise = std::move(summarise)});
  return make_beam_search(options.beam_size, options.patience, eot, std::move(summarise));
}

std::size_t best_candidate(std::span<const Hypothesis> candidates, std::optional<double> length_penalty) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < candidates.size(); ++i) {
    if (score(candidates[i], length_penalty) > score(candidates[best], length_penalty)) best = i;
  }
  return best;
}

}  // namespace amanuensis::decoding
