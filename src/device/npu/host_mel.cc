#include "device/npu/host_mel.h"

#include <algorithm>
#include <cmath>

#include "device/npu/kernels/log_mel.h"

namespace amanuensis::device::npu {
namespace {

constexpr std::size_t kFrame = tile::kFrameSamples;
constexpr std::size_t kHop = 160;

}  // namespace

MelWindow frame_samples(std::span<const float> samples) {
  MelWindow window;
  if (samples.empty()) return window;
  const std::size_t total = std::max(samples.size(), kFrame / 2 + 1);
  window.frames = total / kHop;
  float largest = 0;
  for (const float sample : samples) largest = std::max(largest, std::abs(sample));
  const double gain = largest > 0 ? 0.999 / largest : 1;
  window.gain_log10 = 2 * std::log10(gain);
  window.samples.resize(window.frames * kFrame);
  for (std::size_t f = 0; f < window.frames; ++f) {
    for (std::size_t n = 0; n < kFrame; ++n) {
      const std::size_t at = f * kHop + n;
      std::size_t i = at < kFrame / 2 ? kFrame / 2 - at : at - kFrame / 2;
      if (i >= total) i = 2 * (total - 1) - i;
      const double sample = i < samples.size() ? samples[i] : 0.0;
      window.samples[f * kFrame + n] = static_cast<std::int16_t>(std::lround(sample * gain * 32767));
    }
  }
  return window;
}

void finish_log_mel(std::span<const std::int8_t> bands, const MelWindow& window, TensorView<float> out) {
  // log10's floor comes before everything else, as in the definition.
  const auto value_of = [&](std::int8_t code) {
    return std::max(tile::kLogMelZero + tile::kLogMelStep * code - window.gain_log10, -10.0);
  };
  double largest = -10;
  for (const std::int8_t code : bands) largest = std::max(largest, value_of(code));
  for (std::size_t f = 0; f < window.frames; ++f) {
    for (std::size_t band = 0; band < tile::kMelBands; ++band) {
      const double value = std::max(value_of(bands[f * tile::kMelBands + band]), largest - 8);
      out(band, f) = static_cast<float>((value + 4) / 4);
    }
  }
}

}  // namespace amanuensis::device::npu
