// Log energies of 80 mel bands as Kaldi's compute-fbank-feats makes them (http://kaldi-asr.org/doc/feat.html), with the
// settings that WeSpeaker's networks are trained with: 16 kHz, frames of 400 samples every 160, only whole ones; the
// mean of a frame taken off, pre-emphasis 0.97, a Hamming window, the power spectrum of 512 points, bands of equal
// width on the mel scale from 20 Hz to 8 kHz, natural logarithm floored at the smallest float32 step. The transform is
// a product with the port, into which window and pre-emphasis are folded.
//
// Immutable; its calls are the backend's, one at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "device/backend.h"

namespace amanuensis::model {

inline constexpr std::size_t kFbankBands = 80;
inline constexpr std::size_t kFbankFrameSamples = 400;
inline constexpr std::size_t kFbankHopSamples = 160;

// Whole frames in so many samples.
constexpr std::size_t fbank_frames(std::size_t samples) {
  return samples < kFbankFrameSamples ? 0 : (samples - kFbankFrameSamples) / kFbankHopSamples + 1;
}

class KaldiFbank {
 public:
  // The backend should compute in float32 and must outlive the object.
  explicit KaldiFbank(device::Backend& backend);

  // samples: mono, 16 kHz, in [-1, 1] (multiplied by 32768 before, as Kaldi reads 16-bit files). Returns
  // [fbank_frames(samples.size()), 80].
  std::vector<float> compute(std::span<const float> samples) const;

 private:
  device::Backend& backend_;
  std::unique_ptr<device::LinearWeights> transform_;
  std::unique_ptr<device::LinearWeights> bands_;
};

// Takes the mean over all frames off each of the 80 bands, in place.
void subtract_band_means(std::span<float> features);

}  // namespace amanuensis::model
