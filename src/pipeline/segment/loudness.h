// How loud the audio is, in steps of 10 ms: where speech has to be cut, it is cut where it is quietest. Belongs to one
// thread.
#pragma once

#include <cstddef>
#include <deque>
#include <span>

namespace amanuensis::pipeline {

class LoudnessProfile {
 public:
  // Takes the next samples.
  void push(std::span<const float> samples);
  // The place in [first, last] around which 160 ms hold the least energy; they lie inside [first, last] too, as far as
  // there is room. Of places that are within 3 dB of the quietest the latest, because a fuller window costs no more
  // than an emptier one. `last` itself when the range is too short to choose in. The range must have been pushed and
  // not been forgotten.
  std::size_t quietest(std::size_t first, std::size_t last) const;
  // Nothing before this sample will be asked for again.
  void forget(std::size_t before);

 private:
  std::deque<double> energies_;  // of whole steps
  std::size_t first_step_ = 0;   // the step of energies_.front()
  double energy_ = 0;            // of the step under way
  std::size_t filled_ = 0;       // its samples so far
};

}  // namespace amanuensis::pipeline
