#include "pipeline/diarize/bayesian_speakers.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace amanuensis::pipeline {
namespace {

// A first guess counts e^this times as much as any other speaker.
constexpr double kFirstGuess = 5;
// Who has less of the recording is nobody to mistake another for.
constexpr double kLeastShare = 0.03;
// A round that moves less than this share of the cells is the last.
constexpr double kSettled = 1e-3;

class Model {
 public:
  Model(const VoiceCells& cells, const model::VoiceSpace& space, const BayesOptions& options, std::size_t speakers)
      : cells_(cells.spans),
        values_(cells.values),
        between_(space.between),
        options_(options),
        width_(space.between.size()),
        speakers_(speakers),
        shares_(cells_.size() * speakers),
        likelihood_(cells_.size() * speakers),
        forward_(cells_.size() * speakers),
        priors_(speakers, 1.0 / static_cast<double>(speakers)) {}

  void guess(std::span<const std::size_t> labels) {
    const double others = static_cast<double>(speakers_ - 1);
    const auto high = static_cast<float>(std::exp(kFirstGuess) / (std::exp(kFirstGuess) + others));
    const auto low = static_cast<float>(1.0 / (std::exp(kFirstGuess) + others));
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      for (std::size_t k = 0; k < speakers_; ++k) shares_[i * speakers_ + k] = labels[i] == k ? high : low;
    }
  }

  // One round of estimating voices, likelihoods, shares and priors. Returns the share of a cell that moved, in the
  // mean.
  double round() {
    estimate_voices();
    return weigh_paths();
  }

  double bound() const { return voices_bound_ + cells_bound_; }

  std::size_t likeliest(std::size_t cell) const {
    const float* share = shares_.data() + cell * speakers_;
    return static_cast<std::size_t>(std::max_element(share, share + speakers_) - share);
  }

  // Of every cell, over the likeliest of the others with a share of the recording.
  std::vector<float> margins(std::span<const std::size_t> labels) const {
    std::vector<double> totals(speakers_);
    for (std::size_t i = 0; i < shares_.size(); ++i) totals[i % speakers_] += static_cast<double>(shares_[i]);
    std::vector<float> margins(labels.size(), std::numeric_limits<float>::infinity());
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const float* row = likelihood_.data() + i * speakers_;
      for (std::size_t k = 0; k < speakers_; ++k) {
        if (k == labels[i] || totals[k] < kLeastShare * static_cast<double>(cells_.size())) continue;
        margins[i] = std::min(margins[i], std::log(std::max(row[labels[i]], kNever) / std::max(row[k], kNever)));
      }
    }
    return margins;
  }

 private:
  static constexpr float kNever = 1e-30F;

  // The speakers' voices given who speaks in which cells, and from them the logarithm of each cell's likelihood.
  void estimate_voices() {
    std::vector<double> count(speakers_);
    std::vector<double> sum(speakers_ * width_);
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      const float* x = values_.data() + i * width_;
      for (std::size_t k = 0; k < speakers_; ++k) {
        const double share = static_cast<double>(shares_[i * speakers_ + k]);
        if (share < 1e-6) continue;
        count[k] += share;
        for (std::size_t c = 0; c < width_; ++c) sum[k * width_ + c] += share * static_cast<double>(x[c]);
      }
    }
    // In coordinates in which voices scatter by `between`: the posterior's mean, and a constant of each speaker.
    std::vector<float> voice(speakers_ * width_);
    std::vector<float> constant(speakers_);
    const double ratio = options_.evidence / options_.speaker_cost;
    double surprise = 0;
    for (std::size_t k = 0; k < speakers_; ++k) {
      double total = 0;
      for (std::size_t c = 0; c < width_; ++c) {
        const auto phi = static_cast<double>(between_[c]);
        const double variance = 1.0 / (1.0 + ratio * count[k] * phi);
        const double mean = ratio * variance * std::sqrt(phi) * sum[k * width_ + c];
        voice[k * width_ + c] = static_cast<float>(mean * std::sqrt(phi));
        total += phi * (variance + mean * mean);
        surprise += 0.5 * (variance + mean * mean - 1 - std::log(variance));
      }
      constant[k] = static_cast<float>(0.5 * total);
    }
    voices_bound_ = -options_.speaker_cost * surprise;
    cells_bound_ = 0;
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      const float* x = values_.data() + i * width_;
      for (std::size_t k = 0; k < speakers_; ++k) {
        const float* v = voice.data() + k * width_;
        float product = 0;
        for (std::size_t c = 0; c < width_; ++c) product += x[c] * v[c];
        likelihood_[i * speakers_ + k] = static_cast<float>(options_.evidence) * (product - constant[k]);
      }
      float* row = likelihood_.data() + i * speakers_;
      const float highest = *std::max_element(row, row + speakers_);
      for (std::size_t k = 0; k < speakers_; ++k) row[k] = std::exp(row[k] - highest);
      cells_bound_ += static_cast<double>(highest);
    }
  }

  double stay(std::size_t cell) const {
    return cells_[cell].start > cells_[cell - 1].end ? options_.stay_after_pause : options_.stay;
  }

  // Forward and backward through the chain.
  double weigh_paths() {
    const std::size_t n = cells_.size();
    for (std::size_t i = 0; i < n; ++i) {
      const double keep = i == 0 ? 0.0 : stay(i);
      double total = 0;
      for (std::size_t k = 0; k < speakers_; ++k) {
        const double before = i == 0 ? 0.0 : static_cast<double>(forward_[(i - 1) * speakers_ + k]);
        const double value =
            static_cast<double>(likelihood_[i * speakers_ + k]) * (keep * before + (1 - keep) * priors_[k]);
        forward_[i * speakers_ + k] = static_cast<float>(value);
        total += value;
      }
      for (std::size_t k = 0; k < speakers_; ++k) {
        float& value = forward_[i * speakers_ + k];
        value = static_cast<float>(static_cast<double>(value) / std::max(total, 1e-300));
      }
      cells_bound_ += std::log(std::max(total, 1e-300));
    }
    std::vector<double> backward(speakers_, 1.0);
    std::vector<double> arrivals(speakers_, 1e-12);
    double moved = 0;
    for (std::size_t i = n; i-- > 0;) {
      double total = 0;
      for (std::size_t k = 0; k < speakers_; ++k) {
        total += static_cast<double>(forward_[i * speakers_ + k]) * backward[k];
      }
      for (std::size_t k = 0; k < speakers_; ++k) {
        const double share = static_cast<double>(forward_[i * speakers_ + k]) * backward[k] / std::max(total, 1e-300);
        float& before = shares_[i * speakers_ + k];
        moved += std::abs(share - static_cast<double>(before));
        before = static_cast<float>(share);
      }
      if (i > 0) step_back(i, backward, arrivals);
    }
    for (std::size_t k = 0; k < speakers_; ++k) arrivals[k] += static_cast<double>(shares_[k]);
    const double sum = std::accumulate(arrivals.begin(), arrivals.end(), 0.0);
    for (std::size_t k = 0; k < speakers_; ++k) priors_[k] = arrivals[k] / sum;
    return moved / static_cast<double>(2 * n);
  }

  // From the backward values of cell i to those of the one before; counts who begins at i.
  void step_back(std::size_t i, std::vector<double>& backward, std::vector<double>& arrivals) const {
    const double keep = stay(i);
    std::vector<double> explained(speakers_);
    double begins = 0;
    double weight = 0;
    for (std::size_t k = 0; k < speakers_; ++k) {
      explained[k] = static_cast<double>(likelihood_[i * speakers_ + k]) * backward[k];
      begins += (1 - keep) * priors_[k] * explained[k];
    }
    for (std::size_t k = 0; k < speakers_; ++k) {
      weight += static_cast<double>(forward_[(i - 1) * speakers_ + k]) * (keep * explained[k] + begins);
    }
    for (std::size_t k = 0; k < speakers_; ++k) {
      arrivals[k] += (1 - keep) * priors_[k] * explained[k] / std::max(weight, 1e-300);
    }
    double highest = 1e-300;
    for (std::size_t k = 0; k < speakers_; ++k) highest = std::max(highest, backward[k] = keep * explained[k] + begins);
    for (double& value : backward) value /= highest;
  }

  std::span<const SpeechSpan> cells_;
  std::span<const float> values_;
  std::span<const float> between_;
  BayesOptions options_;
  std::size_t width_;
  std::size_t speakers_;
  std::vector<float> shares_;      // [cells, speakers]: how likely each speaks
  std::vector<float> likelihood_;  // [cells, speakers], the highest of a cell is 1
  std::vector<float> forward_;     // [cells, speakers]
  std::vector<double> priors_;
  double voices_bound_ = 0;
  double cells_bound_ = 0;
};

}  // namespace

std::vector<float> in_voice_space(const VoiceVectors& vectors, const model::VoiceSpace& space) {
  const std::size_t width = space.between.size();
  std::vector<float> values(vectors.size() * width);
  std::vector<float> x(vectors.dimension);
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    std::transform(vectors[i].begin(), vectors[i].end(), space.mean.begin(), x.begin(), std::minus<>());
    for (std::size_t c = 0; c < width; ++c) {
      values[i * width + c] = std::inner_product(x.begin(), x.end(), space.transform.data() + c * x.size(), 0.0F);
    }
  }
  return values;
}

VoiceExplanation explain_voices(const VoiceCells& cells, const model::VoiceSpace& space, const BayesOptions& options,
                                std::size_t speakers, std::span<const std::size_t> labels) {
  VoiceExplanation result{.labels = {labels.begin(), labels.end()}, .margins = {}};
  if (cells.spans.empty()) return result;
  Model model(cells, space, options, speakers);
  model.guess(labels);
  for (std::size_t round = 0; round < options.rounds && model.round() > kSettled; ++round) {
  }
  for (std::size_t i = 0; i < labels.size(); ++i) result.labels[i] = model.likeliest(i);
  result.margins = model.margins(result.labels);
  result.bound = model.bound();
  return result;
}

}  // namespace amanuensis::pipeline
