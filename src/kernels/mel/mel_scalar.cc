#include <cmath>

#include "kernels/mel/mel_impl.h"

namespace amanuensis::kernels {

float log_mel_bands_scalar(const float* power, const MelBands& bands, std::size_t frames, float* out,
                           std::size_t out_stride) noexcept {
  float largest = -INFINITY;
  for (std::size_t b = 0; b < bands.count; ++b) {
    const MelBand& band = bands.bands[b];
    for (std::size_t f = 0; f < frames; ++f) {
      float sum = 0;
      for (std::size_t j = 0; j < band.bins; ++j) {
        sum += bands.weights[band.first_weight + j] * power[(band.first_bin + j) * kMelFrameLanes + f];
      }
      const float value = std::log10(sum > kMelPowerFloor ? sum : kMelPowerFloor);
      out[b * out_stride + f] = value;
      if (value > largest) largest = value;
    }
  }
  return largest;
}

}  // namespace amanuensis::kernels
