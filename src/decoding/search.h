// How the next token is chosen from logits that the rules have passed: the best one, random samples, or a beam
// (openai/whisper, decoding.py: GreedyDecoder, BeamSearchDecoder, MaximumLikelihoodRanker). A search knows nothing of
// the model: it is given one row of logits for each sequence it keeps and says which sequences go on from which row. A
// search belongs to one window and is used by one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/tensor_view.h"
#include "decoding/log_prob.h"
#include "decoding/options.h"

namespace amanuensis::decoding {

// A sequence as sampled so far: without prompt, prefix and end-of-text token. The sum of log-probabilities includes the
// end-of-text token's once that was sampled. Single precision, as in the reference: ties are decided by it.
struct Hypothesis {
  std::vector<TokenId> tokens;
  std::vector<float> token_logprobs = {};  // one for each of `tokens`
  float sum_logprob = 0;
};

class TokenSearch {
 public:
  virtual ~TokenSearch() = default;
  TokenSearch(const TokenSearch&) = delete;
  TokenSearch& operator=(const TokenSearch&) = delete;

  // The sequences that need a next token: one empty sequence at first.
  const std::vector<Hypothesis>& live() const { return live_; }
  // For each sequence of live(), the row of the last advance() that it continues.
  std::span<const std::size_t> sources() const { return sources_; }

  // Takes the logits [live().size(), n_vocab] of every live sequence's next token.
  virtual void advance(TensorView<const float> logits) = 0;
  // Whether enough sequences have ended; there is nothing more to advance then.
  virtual bool complete() const = 0;
  // The candidates to rank, ended or cut off; at least one. Called once, last.
  virtual std::vector<Hypothesis> finish() = 0;

 protected:
  TokenSearch() : live_(1), sources_(1, 0) {}

  std::vector<Hypothesis> live_;
  std::vector<std::size_t> sources_;
};

struct SampleSearchOptions {
  double temperature = 0;   // 0: always the likeliest token
  std::size_t samples = 1;  // independent sequences
  std::uint64_t seed = 0;
  TokenId eot = -1;
  Summarise summarise = decoding::summarise;
};

// Greedy decoding (temperature 0) or `samples` independent draws.
std::unique_ptr<TokenSearch> make_sample_search(const SampleSearchOptions& options);

// Beam search that ends when round(beam_size * patience) sequences have (Kasai et al. 2022, arXiv 2204.05424).
std::unique_ptr<TokenSearch> make_beam_search(std::size_t beam_size, double patience, TokenId eot,
                                              Summarise summarise = decoding::summarise);

// Checks what a search depends on and makes the one that the options ask for: samples at temperature > 0, else a beam,
// or greedy for a beam of one. Throws Error{kInvalidArgument} naming the option.
std::unique_ptr<TokenSearch> make_search(const DecodingOptions& options, TokenId eot,
                                         Summarise summarise = decoding::summarise);

// The index of the candidate with the best score: its sum of log-probabilities divided by its length, or by
// ((5 + length) / 6)^length_penalty when there is one. The first of equal ones; `candidates` must not be empty.
std::size_t best_candidate(std::span<const Hypothesis> candidates, std::optional<double> length_penalty);

}  // namespace amanuensis::decoding
