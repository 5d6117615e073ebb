#include "model/speaker/kaldi_fbank.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "base/aligned_buffer.h"
#include "model/speaker/speaker_tensors.h"

namespace amanuensis::model {
namespace {

constexpr std::size_t kPoints = 512;
// Bin 0 lies below the lowest band, and Kaldi leaves the one at half the sampling rate out.
constexpr std::size_t kFirstBin = 1;
constexpr std::size_t kBins = kPoints / 2 - kFirstBin;
constexpr double kRate = 16000;
constexpr double kLowest = 20;
constexpr double kPreEmphasis = 0.97;
constexpr float kFullScale = 32768;
// Frames transformed at once: what is kept of them stays in a second-level cache.
constexpr std::size_t kBatchFrames = 256;

// Window, pre-emphasis and Fourier transform as one matrix [2 * bins, 400]: real parts, then imaginary ones.
MatrixValues transform_matrix() {
  std::vector<float> values(2 * kBins * kFbankFrameSamples);
  std::vector<double> windowed(kFbankFrameSamples);
  for (std::size_t n = 0; n < kFbankFrameSamples; ++n) {
    windowed[n] = 0.54 - 0.46 * std::cos(2 * std::numbers::pi * static_cast<double>(n) /
                                         static_cast<double>(kFbankFrameSamples - 1));
  }
  for (std::size_t row = 0; row < 2 * kBins; ++row) {
    const std::size_t bin = kFirstBin + row % kBins;
    std::vector<double> wave(kFbankFrameSamples);
    for (std::size_t n = 0; n < kFbankFrameSamples; ++n) {
      const double turn = 2 * std::numbers::pi * static_cast<double>(bin * n % kPoints) / static_cast<double>(kPoints);
      wave[n] = windowed[n] * (row < kBins ? std::cos(turn) : -std::sin(turn));
    }
    // A sample reaches its own place, and the next one with the pre-emphasis; the first one counts as its own past.
    for (std::size_t n = 0; n < kFbankFrameSamples; ++n) {
      double value = wave[n];
      if (n == 0) value -= kPreEmphasis * wave[0];
      if (n + 1 < kFbankFrameSamples) value -= kPreEmphasis * wave[n + 1];
      values[row * kFbankFrameSamples + n] = static_cast<float>(value);
    }
  }
  return {2 * kBins, kFbankFrameSamples, std::move(values)};
}

// Triangles of equal width on the mel scale, [80, bins].
MatrixValues band_matrix() {
  const auto mel = [](double hz) { return 1127.0 * std::log(1.0 + hz / 700.0); };
  const double low = mel(kLowest);
  const double width = (mel(kRate / 2) - low) / static_cast<double>(kFbankBands + 1);
  std::vector<float> values(kFbankBands * kBins);
  for (std::size_t band = 0; band < kFbankBands; ++band) {
    const double left = low + static_cast<double>(band) * width;
    for (std::size_t i = 0; i < kBins; ++i) {
      const double at = mel(static_cast<double>(kFirstBin + i) * kRate / static_cast<double>(kPoints));
      const double rising = (at - left) / width;
      values[band * kBins + i] = static_cast<float>(std::max(0.0, std::min(rising, 2.0 - rising)));
    }
  }
  return {kFbankBands, kBins, std::move(values)};
}

}  // namespace

KaldiFbank::KaldiFbank(device::Backend& backend)
    : backend_(backend),
      transform_(backend.prepare_linear(transform_matrix(), {})),
      bands_(backend.prepare_linear(band_matrix(), {})) {}

std::vector<float> KaldiFbank::compute(std::span<const float> samples) const {
  const std::size_t frames = fbank_frames(samples.size());
  std::vector<float> features(frames * kFbankBands);
  const std::size_t batch = std::min(frames, kBatchFrames);
  AlignedBuffer<float> centred(batch * kFbankFrameSamples);
  AlignedBuffer<float> spectrum(batch * 2 * kBins);
  AlignedBuffer<float> power(batch * kBins);
  for (std::size_t first = 0; first < frames; first += batch) {
    const std::size_t count = std::min(batch, frames - first);
    for (std::size_t i = 0; i < count; ++i) {
      const float* from = samples.data() + (first + i) * kFbankHopSamples;
      float* to = centred.data() + i * kFbankFrameSamples;
      const float mean = std::accumulate(from, from + kFbankFrameSamples, 0.0F) / kFbankFrameSamples;
      for (std::size_t n = 0; n < kFbankFrameSamples; ++n) to[n] = (from[n] - mean) * kFullScale;
    }
    backend_.linear(*transform_, centred.matrix(count, kFbankFrameSamples), spectrum.matrix(count, 2 * kBins), {});
    for (std::size_t i = 0; i < count; ++i) {
      const float* real = spectrum.data() + i * 2 * kBins;
      const float* imaginary = real + kBins;
      float* to = power.data() + i * kBins;
      for (std::size_t bin = 0; bin < kBins; ++bin) to[bin] = real[bin] * real[bin] + imaginary[bin] * imaginary[bin];
    }
    backend_.linear(*bands_, power.matrix(count, kBins), {features.data() + first * kFbankBands, count, kFbankBands},
                    {});
  }
  for (float& value : features) value = std::log(std::max(value, std::numeric_limits<float>::epsilon()));
  return features;
}

void subtract_band_means(std::span<float> features) {
  const std::size_t frames = features.size() / kFbankBands;
  std::vector<double> mean(kFbankBands);
  for (std::size_t t = 0; t < frames; ++t) {
    for (std::size_t b = 0; b < kFbankBands; ++b) mean[b] += features[t * kFbankBands + b];
  }
  for (std::size_t t = 0; t < frames; ++t) {
    for (std::size_t b = 0; b < kFbankBands; ++b) {
      features[t * kFbankBands + b] -= static_cast<float>(mean[b] / static_cast<double>(frames));
    }
  }
}

}  // namespace amanuensis::model
