#include "audio/mel_frames.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "base/cpu_features.h"

namespace amanuensis::audio {
namespace {

constexpr double kLowHz = 60;
constexpr double kHighHz = 7600;
constexpr double kHzPerBin = 16000.0 / static_cast<double>(kVoiceFrameSamples);
constexpr std::size_t kGroupFrames = kernels::kFrameLanes;
static_assert(kVoiceFrameSamples == kernels::kFftLength);

double mel_of_hz(double hz) { return 1127.0 * std::log(1.0 + hz / 700.0); }

// Triangles of equal width in mel, each overlapping its neighbours by half.
MelFilters voice_filters() {
  std::vector<float> weights(kVoiceBands * kernels::kSpectrumBins);
  const double low = mel_of_hz(kLowHz);
  const double step = (mel_of_hz(kHighHz) - low) / static_cast<double>(kVoiceBands + 1);
  for (std::size_t band = 0; band < kVoiceBands; ++band) {
    const double centre = low + step * static_cast<double>(band + 1);
    for (std::size_t bin = 0; bin < kernels::kSpectrumBins; ++bin) {
      const double away = std::abs(mel_of_hz(kHzPerBin * static_cast<double>(bin)) - centre) / step;
      weights[band * kernels::kSpectrumBins + bin] = static_cast<float>(std::max(0.0, 1.0 - away));
    }
  }
  return MelFilters(TensorView<const float>(weights.data(), kVoiceBands, kernels::kSpectrumBins));
}

}  // namespace

MelFrameStream::MelFrameStream() : MelFrameStream(kernels::select_kernels(detect_cpu_features())) {}

MelFrameStream::MelFrameStream(const kernels::KernelTable& kernels)
    : filters_(voice_filters()), kernels_(kernels), window_(kVoiceFrameSamples) {
  for (std::size_t n = 0; n < window_.size(); ++n) {
    const double turn = static_cast<double>(n) / static_cast<double>(kVoiceFrameSamples);
    window_[n] = static_cast<float>(0.5 - 0.5 * std::cos(2 * std::numbers::pi * turn));
  }
}

void MelFrameStream::take(std::size_t count, std::vector<float>& frames) {
  alignas(64) std::array<float, kernels::kSpectrumBins * kGroupFrames> power;
  std::array<float, kVoiceBands * kGroupFrames> mel;
  std::size_t done = 0;
  while (done < count) {
    const std::size_t group = std::min(kGroupFrames, count - done);
    kernels_.power_spectrum->run(buffer_.data() + done * kVoiceHopSamples, kVoiceHopSamples, group, window_.data(),
                                 power.data());
    kernels_.log_mel_bands->run(power.data(), filters_.bands(), group, mel.data(), kGroupFrames);
    for (std::size_t frame = 0; frame < group; ++frame) {
      for (std::size_t band = 0; band < kVoiceBands; ++band) {
        const float value = mel[band * kGroupFrames + frame] * std::numbers::ln10_v<float>;
        frames.push_back(std::max(value, kVoiceMelFloor));
      }
    }
    done += group;
  }
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(count * kVoiceHopSamples));
}

void MelFrameStream::push(std::span<const float> samples, std::vector<float>& frames) {
  // In pieces, so that the buffer stays small whatever the caller brings.
  constexpr std::size_t kPiece = 16 * kGroupFrames * kVoiceHopSamples;
  while (!samples.empty()) {
    const std::span<const float> piece = samples.first(std::min(kPiece, samples.size()));
    buffer_.insert(buffer_.end(), piece.begin(), piece.end());
    samples = samples.subspan(piece.size());
    if (buffer_.size() < kVoiceFrameSamples) continue;
    const std::size_t ready = (buffer_.size() - kVoiceFrameSamples) / kVoiceHopSamples + 1;
    take(ready - ready % kGroupFrames, frames);
  }
}

void MelFrameStream::finish(std::vector<float>& frames) {
  if (buffer_.size() >= kVoiceFrameSamples) {
    take((buffer_.size() - kVoiceFrameSamples) / kVoiceHopSamples + 1, frames);
  }
  buffer_.clear();
}

}  // namespace amanuensis::audio
