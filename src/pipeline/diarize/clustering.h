// Which pieces of speech are of one voice: agglomerative clustering by mean cosine similarity (average linkage; Day and
// Edelsbrunner 1984), until no two groups are alike enough or the number of speakers asked for is reached. Memory and
// time grow with the square of a block of pieces, not of the recording. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace amanuensis::pipeline {

// Vectors of one dimension, one behind the other, of length 1 or zero.
struct VoiceVectors {
  std::span<const float> values;
  std::size_t dimension = 0;

  std::size_t size() const { return dimension == 0 ? 0 : values.size() / dimension; }
  std::span<const float> operator[](std::size_t i) const { return values.subspan(i * dimension, dimension); }
};

struct ClusterOptions {
  // Groups whose vectors are at least so alike, in the mean, become one.
  double merge_similarity = 0.5;
  // Then groups whose centres (the directions of their sums) are at least so alike: what is left of chance in single
  // vectors is gone from these, so that one voice's groups are very alike.
  double same_centre = 0.8;
  // The same where there is no valley between two clusters (settle_clusters() alone).
  double same_without_valley = 0.65;
  std::size_t min_clusters = 1;
  std::optional<std::size_t> max_clusters;
  // Groups of less weight than this do not count as speakers of their own: they go to the group they are most like.
  double min_weight = 0;
  // Pieces clustered at once.
  std::size_t block = 1200;
};

// The cluster of each vector, numbered from 0 without gaps. weights: how much each counts (seconds), positive.
std::vector<std::size_t> cluster_voices(const VoiceVectors& vectors, std::span<const float> weights,
                                        const ClusterOptions& options);

// What is left of clusters found otherwise: those of too little weight go to the ones they are most like, then the most
// alike become one while they are as alike as same_centre says or more than max_clusters, or less alike with no valley
// between them. labels: below `clusters`, perhaps with gaps. Returns labels without gaps.
std::vector<std::size_t> settle_clusters(const VoiceVectors& vectors, std::span<const float> weights,
                                         std::span<const std::size_t> labels, std::size_t clusters,
                                         const ClusterOptions& options);

// Sum of each cluster's weighted vectors, at length 1: [clusters, dimension].
std::vector<float> cluster_centres(const VoiceVectors& vectors, std::span<const float> weights,
                                   std::span<const std::size_t> labels, std::size_t clusters);

}  // namespace amanuensis::pipeline
