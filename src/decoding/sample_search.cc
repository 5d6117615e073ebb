#include <utility>

#include "decoding/log_prob.h"
#include "decoding/random.h"
#include "decoding/search.h"

namespace amanuensis::decoding {

namespace {

class SampleSearch final : public TokenSearch {
 public:
  explicit SampleSearch(SampleSearchOptions options) : options_(std::move(options)), ended_(options_.samples) {}

  void advance(TensorView<const float> logits) override {
    std::vector<RowSummary> summaries(logits.rows());
    for (std::size_t row = 0; row < logits.rows(); ++row) summaries[row] = options_.summarise(logits.row(row));
    const bool first = step_ == 0;
    if (first) fan_out();

    sources_.clear();
    std::size_t kept = 0;
    for (std::size_t i = 0; i < live_.size(); ++i) {
      const std::size_t row = first ? 0 : i;
      const std::size_t sample = samples_[i];
      Hypothesis sequence = std::move(live_[i]);
      const std::size_t token = choose(logits.row(row), summaries[row], sample);
      const auto logprob = static_cast<float>(static_cast<double>(logits(row, token)) - summaries[row].log_sum_exp);
      sequence.sum_logprob += logprob;
      if (static_cast<TokenId>(token) == options_.eot) {
        ended_[sample] = std::move(sequence);
        continue;
      }
      sequence.tokens.push_back(static_cast<TokenId>(token));
      sequence.token_logprobs.push_back(logprob);
      live_[kept] = std::move(sequence);
      samples_[kept] = sample;
      sources_.push_back(row);
      ++kept;
    }
    live_.resize(kept);
    samples_.resize(kept);
    ++step_;
  }

  bool complete() const override { return live_.empty(); }

  std::vector<Hypothesis> finish() override {
    for (std::size_t i = 0; i < samples_.size(); ++i) ended_[samples_[i]] = std::move(live_[i]);
    return std::move(ended_);
  }

 private:
  // All samples continue the one sequence that ends with the prompt.
  void fan_out() {
    live_.resize(options_.samples);
    for (std::size_t sample = 0; sample < options_.samples; ++sample) samples_.push_back(sample);
  }

  std::size_t choose(std::span<const float> row, const RowSummary& summary, std::size_t sample) const {
    if (options_.temperature == 0) return summary.arg_max;
    return sample_index(row, options_.temperature, uniform_at(stream_key(options_.seed, sample), step_));
  }

  SampleSearchOptions options_;
  std::vector<std::size_t> samples_;  // which sample each live sequence is
  std::vector<Hypothesis> ended_;     // by sample
  std::uint64_t step_ = 0;
};

}  // namespace

std::unique_ptr<TokenSearch> make_sample_search(const SampleSearchOptions& options) {
  return std::make_unique<SampleSearch>(options);
}

}  // namespace amanuensis::decoding
