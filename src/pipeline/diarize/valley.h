// Whether two clusters of vectors are two clouds or the halves of one. A voice that changes in the course of a
// recording scatters, and a method that looks for clusters cuts it somewhere in the middle, where it is densest;
// between two voices, however alike, there is a valley. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <span>

#include "pipeline/diarize/clustering.h"

namespace amanuensis::pipeline {

// How dense the vectors of clusters a and b are halfway between their means, as a share of the lesser density at the
// means themselves: along the line through both, with a kernel of an eighth of their distance. 0: nothing is between
// them; 1 or more: one cloud, also for clusters with one mean. weights: how much each vector counts, positive.
double valley_between(const VoiceVectors& vectors, std::span<const float> weights, std::span<const std::size_t> labels,
                      std::size_t a, std::size_t b);

}  // namespace amanuensis::pipeline
