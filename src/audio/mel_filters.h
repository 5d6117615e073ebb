// A bank of mel filters as Whisper uses it: sparse weights over the 201 bins of a 400-point spectrum at 16 kHz.
// Immutable after construction; may be read from any thread.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/tensor_view.h"
#include "kernels/mel/mel.h"

namespace amanuensis::audio {

class MelFilters {
 public:
  // Triangles of equal width on Slaney's mel scale (linear to 1 kHz, logarithmic above; M. Slaney, "Auditory Toolbox",
  // 1998) from 0 to 8 kHz, each of area 2 / (bandwidth in Hz), as librosa.filters.mel computes them. n_mels is 80 or
  // 128, the two that Whisper models know: Error{kInvalidArgument} otherwise.
  explicit MelFilters(std::size_t n_mels);

  // Filters that came with a checkpoint: [n_mels, 201]. Throws Error{kBadData} for another shape or weights that are
  // not finite.
  explicit MelFilters(TensorView<const float> weights);

  std::size_t n_mels() const { return bands_.size(); }
  // For the mel kernel; valid as long as this object.
  kernels::MelBands bands() const { return {bands_.data(), bands_.size(), weights_.data()}; }

 private:
  void append_band(std::span<const float> row);

  std::vector<kernels::MelBand> bands_;
  std::vector<float> weights_;
};

}  // namespace amanuensis::audio
