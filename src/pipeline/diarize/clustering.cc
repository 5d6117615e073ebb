#include "pipeline/diarize/clustering.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "pipeline/diarize/valley.h"

namespace amanuensis::pipeline {
namespace {

// Of pairs of clusters more alike than 0.64, of synthetic voices and of people who read, one voice's halves had at
// least 0.41, two voices at most 0.32.
constexpr double kNoValley = 0.37;

float dot(std::span<const float> a, std::span<const float> b) {
  float sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// Groups of vectors. The mean similarity of two groups is the product of their sums by that of their weights.
class Groups {
 public:
  Groups(const VoiceVectors& vectors, std::span<const float> weights)
      : dimension_(vectors.dimension),
        sums_(vectors.values.begin(), vectors.values.end()),
        weights_(weights.begin(), weights.end()),
        labels_(weights.size()) {
    std::iota(labels_.begin(), labels_.end(), std::size_t{0});
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      for (float& x : sum(i)) x *= weights_[i];
    }
  }

  std::size_t size() const { return weights_.size(); }
  float weight(std::size_t group) const { return weights_[group]; }
  // Of each original vector.
  const std::vector<std::size_t>& labels() const { return labels_; }

  // Merges within [first, last) the most similar groups while that leaves more than `target` or, below it, while they
  // are alike enough. Returns with the groups renumbered without gaps.
  void merge(std::size_t first, std::size_t last, const ClusterOptions& options) {
    const std::size_t n = last - first;
    std::vector<float> similarity(n * n, -2.0F);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < i; ++j) set(similarity, n, i, j, between(first + i, first + j));
    }
    std::vector<bool> alive(n, true);
    std::vector<std::size_t> nearest(n, 0);
    const auto find_nearest = [&](std::size_t i) {
      std::size_t best = i == 0 ? 1 : 0;
      float highest = -3.0F;
      for (std::size_t j = 0; j < n; ++j) {
        if (j != i && alive[j] && similarity[i * n + j] > highest) {
          highest = similarity[i * n + j];
          best = j;
        }
      }
      nearest[i] = best;
    };
    for (std::size_t i = 0; i < n && n > 1; ++i) find_nearest(i);
    std::vector<std::size_t> into(n);
    std::iota(into.begin(), into.end(), std::size_t{0});
    for (std::size_t left = n; left > std::max<std::size_t>(options.min_clusters, 1); --left) {
      std::size_t a = n;
      float highest = -3.0F;
      for (std::size_t i = 0; i < n; ++i) {
        if (!alive[i] || !alive[nearest[i]]) continue;
        if (similarity[i * n + nearest[i]] > highest) {
          highest = similarity[i * n + nearest[i]];
          a = i;
        }
      }
      const bool too_many = options.max_clusters && left > *options.max_clusters;
      if (a == n || (!too_many && highest < static_cast<float>(options.merge_similarity))) break;
      const std::size_t b = nearest[a];
      join(first + a, first + b);
      alive[b] = false;
      into[b] = a;
      for (std::size_t j = 0; j < n; ++j) {
        if (alive[j] && j != a) set(similarity, n, a, j, between(first + a, first + j));
      }
      for (std::size_t j = 0; j < n; ++j) {
        if (!alive[j] || left <= 2) continue;
        if (j == a || nearest[j] == a || nearest[j] == b) {
          find_nearest(j);
        } else if (similarity[j * n + a] > similarity[j * n + nearest[j]]) {
          nearest[j] = a;
        }
      }
    }
    compact(first, last, into, alive);
  }

  // Merges the groups with the most similar centres while they are alike enough or too many; only those of which
  // may_merge(a, b) says so.
  template <typename MayMerge>
  void merge_centres(double same, std::size_t min_groups, std::optional<std::size_t> max_groups,
                     const MayMerge& may_merge) {
    while (size() > std::max<std::size_t>(min_groups, 1)) {
      std::size_t a = 0;
      std::size_t b = 0;
      const bool too_many = max_groups && size() > *max_groups;
      float highest = too_many ? -2.0F : static_cast<float>(same);
      for (std::size_t i = 0; i < size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
          const float alike = cosine(i, j);
          if (alike < highest || !may_merge(j, i)) continue;
          highest = alike;
          a = j;
          b = i;
        }
      }
      if (a == b) return;
      absorb(a, b);
    }
  }
  void merge_centres(double same, std::size_t min_groups, std::optional<std::size_t> max_groups = {}) {
    merge_centres(same, min_groups, max_groups, [](std::size_t, std::size_t) { return true; });
  }

  // Puts groups of less weight than `least` into the groups they are most like.
  void absorb_small(double least, std::size_t min_groups) {
    while (size() > std::max<std::size_t>(min_groups, 1)) {
      const auto smallest =
          static_cast<std::size_t>(std::min_element(weights_.begin(), weights_.end()) - weights_.begin());
      if (weights_[smallest] >= least) return;
      std::size_t best = smallest == 0 ? 1 : 0;
      float highest = -3.0F;
      for (std::size_t j = 0; j < size(); ++j) {
        if (j == smallest) continue;
        const float alike = cosine(smallest, j);
        if (alike > highest) {
          highest = alike;
          best = j;
        }
      }
      absorb(best, smallest);
    }
  }

 private:
  std::span<float> sum(std::size_t i) { return std::span(sums_).subspan(i * dimension_, dimension_); }
  std::span<const float> sum(std::size_t i) const { return std::span(sums_).subspan(i * dimension_, dimension_); }

  float between(std::size_t a, std::size_t b) const { return dot(sum(a), sum(b)) / (weights_[a] * weights_[b]); }
  float cosine(std::size_t a, std::size_t b) const {
    const float norms = std::sqrt(dot(sum(a), sum(a)) * dot(sum(b), sum(b)));
    return norms > 0 ? dot(sum(a), sum(b)) / norms : 0.0F;
  }
  static void set(std::vector<float>& matrix, std::size_t n, std::size_t i, std::size_t j, float value) {
    matrix[i * n + j] = matrix[j * n + i] = value;
  }

  void join(std::size_t a, std::size_t b) {
    for (std::size_t c = 0; c < dimension_; ++c) sums_[a * dimension_ + c] += sums_[b * dimension_ + c];
    weights_[a] += weights_[b];
  }

  // Group b becomes a part of group a.
  void absorb(std::size_t a, std::size_t b) {
    std::vector<std::size_t> into(size());
    std::iota(into.begin(), into.end(), std::size_t{0});
    std::vector<bool> alive(size(), true);
    join(a, b);
    into[b] = a;
    alive[b] = false;
    compact(0, size(), into, alive);
  }

  void compact(std::size_t first, std::size_t last, const std::vector<std::size_t>& into,
               const std::vector<bool>& alive) {
    std::vector<std::size_t> number(size());
    std::size_t next = 0;
    for (std::size_t i = 0; i < size(); ++i) {
      if (i >= first && i < last && !alive[i - first]) continue;
      std::copy_n(sums_.begin() + static_cast<std::ptrdiff_t>(i * dimension_), dimension_,
                  sums_.begin() + static_cast<std::ptrdiff_t>(next * dimension_));
      weights_[next] = weights_[i];
      number[i] = next++;
    }
    for (std::size_t& label : labels_) {
      if (label >= first && label < last) {
        std::size_t root = label - first;
        while (!alive[root]) root = into[root];
        label = first + root;
      }
      label = number[label];
    }
    sums_.resize(next * dimension_);
    weights_.resize(next);
  }

  std::size_t dimension_;
  std::vector<float> sums_;
  std::vector<float> weights_;
  std::vector<std::size_t> labels_;
};

}  // namespace

std::vector<std::size_t> cluster_voices(const VoiceVectors& vectors, std::span<const float> weights,
                                        const ClusterOptions& options) {
  Groups groups(vectors, weights);
  const std::size_t block = std::max<std::size_t>(options.block, 2);
  // Too many for one go: neighbours in time first, and only those that surely belong together, until they are few
  // enough.
  double margin = 0.1;
  while (groups.size() > block) {
    ClusterOptions careful = options;
    careful.min_clusters = block / 8;
    careful.max_clusters = block / 4;
    careful.merge_similarity = options.merge_similarity + margin;
    std::size_t first = 0;
    while (first < groups.size()) {
      const std::size_t before = groups.size();
      const std::size_t last = std::min(before, first + block);
      if (last - first > careful.min_clusters) groups.merge(first, last, careful);
      first = last - (before - groups.size());
    }
    margin = 0;
  }
  if (groups.size() > 1) groups.merge(0, groups.size(), options);
  groups.absorb_small(options.min_weight, options.min_clusters);
  groups.merge_centres(options.same_centre, options.min_clusters);
  return groups.labels();
}

std::vector<std::size_t> settle_clusters(const VoiceVectors& vectors, std::span<const float> weights,
                                         std::span<const std::size_t> labels, std::size_t clusters,
                                         const ClusterOptions& options) {
  constexpr auto kEmpty = static_cast<std::size_t>(-1);
  std::vector<float> totals(clusters);
  std::vector<float> sums(clusters * vectors.dimension);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    totals[labels[i]] += weights[i];
    float* sum = sums.data() + labels[i] * vectors.dimension;
    for (std::size_t c = 0; c < vectors.dimension; ++c) sum[c] += weights[i] * vectors[i][c];
  }
  std::vector<std::size_t> number(clusters, kEmpty);
  std::vector<float> means;
  std::vector<float> weight;
  for (std::size_t k = 0; k < clusters; ++k) {
    if (!(totals[k] > 0)) continue;
    number[k] = weight.size();
    weight.push_back(totals[k]);
    for (std::size_t c = 0; c < vectors.dimension; ++c) means.push_back(sums[k * vectors.dimension + c] / totals[k]);
  }
  Groups groups({means, vectors.dimension}, weight);
  groups.absorb_small(options.min_weight, options.min_clusters);
  groups.merge_centres(options.same_centre, options.min_clusters, options.max_clusters);
  std::vector<std::size_t> settled(labels.size());
  const auto settle = [&] {
    for (std::size_t i = 0; i < labels.size(); ++i) settled[i] = groups.labels()[number[labels[i]]];
  };
  groups.merge_centres(options.same_without_valley, options.min_clusters, {}, [&](std::size_t a, std::size_t b) {
    settle();
    return valley_between(vectors, weights, settled, a, b) >= kNoValley;
  });
  settle();
  return settled;
}

std::vector<float> cluster_centres(const VoiceVectors& vectors, std::span<const float> weights,
                                   std::span<const std::size_t> labels, std::size_t clusters) {
  std::vector<float> centres(clusters * vectors.dimension);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    float* centre = centres.data() + labels[i] * vectors.dimension;
    for (std::size_t c = 0; c < vectors.dimension; ++c) centre[c] += weights[i] * vectors[i][c];
  }
  for (std::size_t k = 0; k < clusters; ++k) {
    const std::span<float> centre = std::span(centres).subspan(k * vectors.dimension, vectors.dimension);
    const float norm = std::sqrt(dot(centre, centre));
    if (norm > 0) {
      for (float& x : centre) x /= norm;
    }
  }
  return centres;
}

}  // namespace amanuensis::pipeline
