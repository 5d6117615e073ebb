#include "pipeline/segment/spectral_detector.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "pipeline/segment/spectrum.h"

namespace amanuensis::pipeline {
namespace {

constexpr std::size_t kHop = kVadFrameSamples / 2;
constexpr std::size_t kBins = SpectrumPair::kBins;
constexpr double kHzPerBin = 16000.0 / static_cast<double>(SpectrumPair::kPoints);
using Power = SpectrumPair::Power;

// The least power of every frequency in the last 1.5 s, of a spectrum smoothed over about 80 ms.
class Background {
 public:
  void push(const Power& power) {
    if (!started_) {
      smooth_ = power;
      started_ = true;
      for (Power& block : blocks_) block.fill(kHuge);
      current_.fill(kHuge);
    }
    for (std::size_t i = 0; i < kBins; ++i) {
      smooth_[i] += kSmoothing * (power[i] - smooth_[i]);
      current_[i] = std::min(current_[i], smooth_[i]);
    }
    if (++hops_ == kBlockHops) {
      blocks_[next_] = current_;
      next_ = (next_ + 1) % kBlocks;
      hops_ = 0;
      current_.fill(kHuge);
      past_.fill(kHuge);
      for (const Power& block : blocks_) {
        for (std::size_t i = 0; i < kBins; ++i) past_[i] = std::min(past_[i], block[i]);
      }
    }
    for (std::size_t i = 0; i < kBins; ++i) {
      // The least of many is below the mean of steady noise; by this much, as measured on white noise.
      floor_[i] = std::max(kLeast, kBias * std::min(past_[i], current_[i]));
    }
  }
  // Expected power of the background.
  const Power& floor() const { return floor_; }

  Background() { past_.fill(kHuge); }

 private:
  static constexpr float kHuge = 1e30F;
  static constexpr float kSmoothing = 0.2F;
  static constexpr float kBias = 2.2F;
  static constexpr std::size_t kBlocks = 8;
  static constexpr std::size_t kBlockHops = 12;
  // Four times the power of rounding to 16 bits: 4 * (2^-15)^2 / 12 * the window's energy.
  static constexpr float kLeast = 4.0F / 12 * 0x1p-30F * 192;

  bool started_ = false;
  Power smooth_{};
  Power current_{};
  Power past_{};
  Power floor_{};
  std::array<Power, kBlocks> blocks_{};
  std::size_t next_ = 0;
  std::size_t hops_ = 0;
};

// Bands of equal width on the mel scale.
constexpr std::size_t kBands = 16;

std::array<std::size_t, kBands + 1> band_edges() {
  const auto mel = [](double hz) { return 1127 * std::log(1 + hz / 700); };
  std::array<std::size_t, kBands + 1> edges{};
  const double low = mel(100);
  const double high = mel(4000);
  for (std::size_t i = 0; i <= kBands; ++i) {
    const double m = low + (high - low) * static_cast<double>(i) / static_cast<double>(kBands);
    edges[i] = static_cast<std::size_t>(std::lround(700 * (std::exp(m / 1127) - 1) / kHzPerBin));
  }
  return edges;
}

float logistic(float x) { return 1.0F / (1.0F + std::exp(-x)); }

// How strongly the spectrum repeats at the distance of some pitch, 0 to about 1.
class PitchMeter {
 public:
  static constexpr std::size_t kFirstBin = 3;  // 94 Hz
  static constexpr std::size_t kPitchBins = 48;
  using Spectrum = std::array<float, kPitchBins>;

  PitchMeter() {
    for (std::size_t lag = 0; lag < kLags; ++lag) {
      const double samples = kFirstLag + 2.0 * static_cast<double>(lag);
      // Autocorrelation of the Hann window itself.
      const double x = samples / static_cast<double>(SpectrumPair::kPoints);
      const double turn = 2 * std::numbers::pi * x;
      const double window = (1 - x) * (2 + std::cos(turn)) / 3 + std::sin(turn) / (2 * std::numbers::pi);
      // Dividing by all of it would let noise pass for a pitch at the longest distances.
      scale_[lag] = static_cast<float>(std::pow(window, -0.75));
      for (std::size_t bin = 0; bin < kPitchBins; ++bin) {
        const double hz = static_cast<double>(kFirstBin + bin) * kHzPerBin;
        cos_[lag][bin] = static_cast<float>(std::cos(2 * std::numbers::pi * hz * samples / 16000));
      }
    }
  }

  float strength(const Spectrum& weighted) const {
    float total = 1e-30F;
    for (std::size_t bin = 0; bin < kPitchBins; ++bin) total += weighted[bin];
    float best = 0;
    for (std::size_t lag = 0; lag < kLags; ++lag) {
      std::array<float, 8> sums{};
      for (std::size_t bin = 0; bin < kPitchBins; bin += 8) {
        for (std::size_t j = 0; j < 8; ++j) sums[j] += cos_[lag][bin + j] * weighted[bin + j];
      }
      const float sum = ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
      best = std::max(best, sum / total * scale_[lag]);
    }
    return best;
  }

 private:
  static constexpr std::size_t kFirstLag = 40;  // 400 Hz
  static constexpr std::size_t kLags = 81;      // every second sample, to 80 Hz

  std::array<float, kLags> scale_{};
  std::array<std::array<float, kPitchBins>, kLags> cos_{};
};

class SpectralDetector final : public VoiceDetector {
 public:
  SpectralDetector() : edges_(band_edges()) {}
  std::string_view name() const override { return "builtin"; }

  void push(std::span<const float> samples, std::vector<float>& probabilities) override {
    while (!samples.empty()) {
      const std::size_t count = std::min(samples.size(), kVadFrameSamples - filled_);
      std::copy_n(samples.data(), count, audio_.data() + kHop + filled_);
      filled_ += count;
      samples = samples.subspan(count);
      if (filled_ < kVadFrameSamples) return;
      probabilities.push_back(frame());
      std::copy_n(audio_.data() + kVadFrameSamples, kHop, audio_.data());
      filled_ = 0;
    }
  }
  void finish(std::vector<float>& probabilities) override {
    if (filled_ > 0) {
      const std::array<float, kVadFrameSamples> silence{};
      push(std::span(silence).first(kVadFrameSamples - filled_), probabilities);
    }
    *this = SpectralDetector();
  }

 private:
  float frame() {
    std::array<Power, 2> power;
    spectra_.compute(audio_.data(), audio_.data() + kHop, power[0], power[1]);
    PitchMeter::Spectrum pitched{};
    float outstanding = 0;
    for (const Power& p : power) {
      background_.push(p);
      const Power& floor = background_.floor();
      outstanding += 0.5F * stand_out(p, floor);
      for (std::size_t i = 0; i < PitchMeter::kPitchBins; ++i) {
        const float x = p[PitchMeter::kFirstBin + i];
        const float clean = std::max(0.0F, x - 1.5F * floor[PitchMeter::kFirstBin + i]);
        pitched[i] += std::sqrt(clean);  // magnitudes: no single harmonic may outweigh the others
      }
    }
    const float pitch = pitch_.strength(pitched);
    // 3 dB above the background in every band, or 12 in a quarter of them; half of the sound repeating; levels that
    // change by half a dB in 16 ms: each is where speech and what is not speech part, on recordings with known truth
    // (docs/voice-activity.md).
    const float voiced =
        logistic(1.2F * (outstanding - 3)) * logistic(14 * (pitch - 0.5F)) * logistic(6 * (change_ - 0.5F));
    // A word's voiceless sounds still stand out: they hold on to what was voiced for about 350 ms.
    constexpr float kHold = 0.94F;
    constexpr float kRelease = 0.7F;
    speech_ = std::max(voiced, speech_ * (outstanding > 2 ? kHold : kRelease));
    return speech_;
  }

  // Mean over the bands of how many dB they stand out of the background, and how much those that do have changed.
  float stand_out(const Power& power, const Power& floor) {
    float sum = 0;
    float weight = 1e-3F;
    float change = 0;
    for (std::size_t band = 0; band < kBands; ++band) {
      float p = 0;
      float f = 0;
      for (std::size_t i = edges_[band]; i < edges_[band + 1]; ++i) {
        p += power[i];
        f += floor[i];
      }
      const float db = 10 * std::log10(std::max(p, f) / f);
      const float level = 10 * std::log10(std::max(p, 1e-12F));
      const float above = std::min(db, 20.0F);
      sum += above;
      const float w = std::max(0.0F, above - 4.0F);
      weight += w;
      change += w * std::min(std::abs(level - levels_[band]), 10.0F);
      levels_[band] = level;
    }
    if (weight > 1) change_ += 0.1F * (change / weight - change_);
    return sum / static_cast<float>(kBands);
  }

  std::array<std::size_t, kBands + 1> edges_;
  SpectrumPair spectra_;
  Background background_;
  PitchMeter pitch_;
  std::array<float, kHop + kVadFrameSamples> audio_{};  // the frame after half the one before
  std::size_t filled_ = 0;
  std::array<float, kBands> levels_{};
  float change_ = 2;
  float speech_ = 0;
};

}  // namespace

std::unique_ptr<VoiceDetector> make_spectral_detector() { return std::make_unique<SpectralDetector>(); }

}  // namespace amanuensis::pipeline
