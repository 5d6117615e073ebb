#include "pipeline/segment/loudness.h"

#include <algorithm>
#include <cassert>

namespace amanuensis::pipeline {
namespace {

constexpr std::size_t kStepSamples = 160;
// Steps on each side of a cut: shorter dips are the closures of plosives, inside words.
constexpr std::size_t kSideSteps = 8;
// Pauses this close to each other in energy (3 dB) are as good as each other: room noise differs as much.
constexpr double kAsQuiet = 2.0;

}  // namespace

void LoudnessProfile::push(std::span<const float> samples) {
  for (const float sample : samples) {
    energy_ += static_cast<double>(sample) * static_cast<double>(sample);
    if (++filled_ < kStepSamples) continue;
    energies_.push_back(energy_);
    energy_ = 0;
    filled_ = 0;
  }
}

std::size_t LoudnessProfile::quietest(std::size_t first, std::size_t last) const {
  assert(first >= first_step_ * kStepSamples);
  const std::size_t begin = (first + kStepSamples - 1) / kStepSamples;
  const std::size_t end = std::min(last / kStepSamples, first_step_ + energies_.size());
  if (begin + 2 > end) return last;
  const std::size_t side = std::min(kSideSteps, (end - begin) / 2);
  const auto energy_around = [&](std::size_t cut) {
    double energy = 0;
    for (std::size_t step = cut - side; step < cut + side; ++step) energy += energies_[step - first_step_];
    return energy;
  };
  double least = energy_around(end - side);
  for (std::size_t cut = begin + side; cut + side < end; ++cut) least = std::min(least, energy_around(cut));
  std::size_t latest = end - side;
  while (energy_around(latest) > kAsQuiet * least) --latest;
  return latest * kStepSamples;
}

void LoudnessProfile::forget(std::size_t before) {
  while (!energies_.empty() && (first_step_ + 1) * kStepSamples <= before) {
    energies_.pop_front();
    ++first_step_;
  }
}

}  // namespace amanuensis::pipeline
