#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "decoding/log_prob.h"
#include "decoding/search.h"

namespace amanuensis::decoding {

namespace {

struct Candidate {
  std::size_t source = 0;
  TokenId token = -1;
  float logprob = 0;  // of the token
  float sum_logprob = 0;
};

class BeamSearch final : public TokenSearch {
 public:
  BeamSearch(std::size_t beam_size, std::size_t max_ended, TokenId eot, Summarise summarise)
      : beam_size_(beam_size),
        max_ended_(max_ended),
        eot_(eot),
        summarise_(std::move(summarise)),
        best_(beam_size + 1) {}

  void advance(TensorView<const float> logits) override {
    collect_candidates(logits);
    // Stable: of equal candidates the one of the earlier sequence goes first, as in the reference.
    std::stable_sort(candidates_.begin(), candidates_.end(),
                     [](const Candidate& a, const Candidate& b) { return a.sum_logprob > b.sum_logprob; });

    std::vector<Hypothesis> next;
    next.reserve(beam_size_);
    sources_.clear();
    for (const Candidate& candidate : candidates_) {
      Hypothesis sequence = live_[candidate.source];
      sequence.sum_logprob = candidate.sum_logprob;
      if (candidate.token == eot_) {
        // Candidates that end now are in order of score, so the best ones get what room is left.
        if (ended_.size() < max_ended_) ended_.push_back(std::move(sequence));
        continue;
      }
      sequence.tokens.push_back(candidate.token);
      sequence.token_logprobs.push_back(candidate.logprob);
      next.push_back(std::move(sequence));
      sources_.push_back(candidate.source);
      if (next.size() == beam_size_) break;
    }
    live_ = std::move(next);
  }

  bool complete() const override { return ended_.size() >= max_ended_ || live_.empty(); }

  std::vector<Hypothesis> finish() override {
    // Sequences that were cut off fill up the beam, best first; of equal ones the last.
    std::vector<std::size_t> order(live_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [this](std::size_t a, std::size_t b) { return live_[a].sum_logprob < live_[b].sum_logprob; });
    for (auto i = order.rbegin(); i != order.rend() && ended_.size() < beam_size_; ++i) {
      ended_.push_back(std::move(live_[*i]));
    }
    if (ended_.empty()) ended_.emplace_back();  // every token was forbidden
    return std::move(ended_);
  }

 private:
  // The beam_size + 1 best continuations of each sequence: enough to fill the beam even if one of each ends.
  void collect_candidates(TensorView<const float> logits) {
    candidates_.clear();
    for (std::size_t row = 0; row < logits.rows(); ++row) {
      const double normaliser = summarise_(logits.row(row)).log_sum_exp;
      const std::size_t found = top_values(logits.row(row), best_);
      for (const ScoredIndex& token : std::span(best_).first(found)) {
        const auto logprob = static_cast<float>(static_cast<double>(token.value) - normaliser);
        candidates_.push_back({.source = row,
                               .token = static_cast<TokenId>(token.index),
                               .logprob = logprob,
                               .sum_logprob = live_[row].sum_logprob + logprob});
      }
    }
  }

  std::size_t beam_size_;
  std::size_t max_ended_;
  TokenId eot_;
  Summarise summarise_;
  std::vector<Hypothesis> ended_;
  std::vector<Candidate> candidates_;
  std::vector<ScoredIndex> best_;
};

}  // namespace

std::unique_ptr<TokenSearch> make_beam_search(std::size_t beam_size, double patience, TokenId eot,
                                              Summarise summarise) {
  const auto max_ended = static_cast<std::size_t>(std::nearbyint(static_cast<double>(beam_size) * patience));
  return std::make_unique<BeamSearch>(beam_size, max_ended, eot, std::move(summarise));
}

}  // namespace amanuensis::decoding
