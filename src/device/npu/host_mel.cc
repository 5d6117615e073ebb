#include "device/npu/host_mel.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "device/npu/kernels/log_mel.h"

namespace amanuensis::device::npu {
namespace {

constexpr std::size_t kFrame = tile::kFrameSamples;
constexpr std::size_t kBands = tile::kMelBands;
constexpr std::size_t kChunkRows = 2000;  // of the kernel's input at a time: 1.6 MB
constexpr std::size_t kRepeats = 16;
constexpr double kNothing = -20;        // below everything: the lowest code
constexpr double kLowest = -10;         // the definition's floor
constexpr double kFloorBelow = 8;       // and that below the maximum
constexpr double kFlatDeviation = 0.5;  // of a frame's bands in log10: a step's error costs its correlation 3e-4

// A frame as the kernel takes it, and what was done to it.
struct ScaledFrame {
  std::array<float, kFrame> samples;
  float peak = 0;
};

ScaledFrame read_frame(const MelFrames& frames, std::size_t frame) {
  ScaledFrame scaled;
  frames.read(frame, scaled.samples);
  for (const float sample : scaled.samples) scaled.peak = std::max(scaled.peak, std::abs(sample));
  return scaled;
}

// log10 of the gain in power that brings the frame to full scale; `step_share` of the kernel's step less.
double gain_log10(const ScaledFrame& frame, double step_share) {
  return 2 * std::log10(0.999 / static_cast<double>(frame.peak)) - step_share * tile::kLogMelStep;
}

void scale(const ScaledFrame& frame, double gain, std::int16_t* out) {
  const double factor = std::pow(10.0, gain / 2) * 32767;
  for (std::size_t n = 0; n < kFrame; ++n) {
    out[n] = static_cast<std::int16_t>(std::lround(static_cast<double>(frame.samples[n]) * factor));
  }
}

class MelBands {
 public:
  MelBands(Operations& operations, const MelFrames& frames, TensorView<float> out, const MelBandsOptions& options)
      : operations_(operations), frames_(frames), out_(out), options_(options), largest_(options.largest) {}

  void run() {
    for (std::size_t first = 0; first < frames_.count; first += kChunkRows) {
      once(first, std::min(kChunkRows, frames_.count - first));
    }
    std::vector<std::size_t> again;
    for (std::size_t f = 0; f < frames_.count; ++f) {
      if (needs_more(f)) again.push_back(f);
    }
    constexpr std::size_t kChunkFrames = kChunkRows / kRepeats;
    for (std::size_t first = 0; first < again.size(); first += kChunkFrames) {
      repeatedly(std::span(again).subspan(first, std::min(kChunkFrames, again.size() - first)));
    }
    for (std::size_t band = 0; band < kBands; ++band) {
      for (float& value : out_.row(band)) value = std::max(value, static_cast<float>(kLowest));
    }
  }

 private:
  void once(std::size_t first, std::size_t count) {
    samples_.resize(count * kFrame);
    gains_.resize(count);
    for (std::size_t i = 0; i < count; ++i) send(read_frame(frames_, first + i), i, 0);
    compute(count);
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t band = 0; band < kBands; ++band) {
        const double value = value_of(i, band);
        out_(band, first + i) = static_cast<float>(value);
        largest_ = std::max(largest_, value);
      }
    }
  }

  void repeatedly(std::span<const std::size_t> frames) {
    samples_.resize(frames.size() * kRepeats * kFrame);
    gains_.resize(frames.size() * kRepeats);
    for (std::size_t i = 0; i < frames.size(); ++i) {
      const ScaledFrame frame = read_frame(frames_, frames[i]);
      for (std::size_t r = 0; r < kRepeats; ++r) {
        send(frame, i * kRepeats + r, static_cast<double>(r) / kRepeats);
      }
    }
    compute(frames.size() * kRepeats);
    for (std::size_t i = 0; i < frames.size(); ++i) {
      for (std::size_t band = 0; band < kBands; ++band) {
        double sum = 0;
        for (std::size_t r = 0; r < kRepeats; ++r) sum += value_of(i * kRepeats + r, band);
        out_(band, frames[i]) = static_cast<float>(sum / kRepeats);
      }
    }
  }

  void send(const ScaledFrame& frame, std::size_t row, double step_share) {
    const bool silent = frame.peak == 0;
    gains_[row] = silent ? 0 : gain_log10(frame, step_share);
    scale(frame, gains_[row], samples_.data() + row * kFrame);
  }

  void compute(std::size_t rows) {
    codes_.resize(rows * kBands);
    operations_.log_mel(samples_, codes_, options_.kernel);
  }

  // The lowest code stands for everything down to nothing.
  double value_of(std::size_t row, std::size_t band) const {
    const std::int8_t code = codes_[row * kBands + band];
    return code == -127 ? kNothing : tile::kLogMelZero + tile::kLogMelStep * code - gains_[row];
  }

  // Values stand as they were computed until the end: averages of values raised to a floor would be too high. Frames
  // that lie below the floor altogether are exact as they are.
  bool needs_more(std::size_t frame) const {
    const double floor = std::max(largest_ - kFloorBelow, kLowest);
    double top = kNothing;
    double sum = 0;
    double squares = 0;
    for (std::size_t band = 0; band < kBands; ++band) {
      const auto raw = static_cast<double>(out_(band, frame));
      const double value = std::max(raw, floor);
      top = std::max(top, raw);
      sum += value;
      squares += value * value;
    }
    if (top < floor - tile::kLogMelStep) return false;
    const double mean = sum / kBands;
    const double variance = squares / kBands - mean * mean;
    return variance < kFlatDeviation * kFlatDeviation || top > largest_ - tile::kLogMelStep;
  }

  Operations& operations_;
  const MelFrames& frames_;
  TensorView<float> out_;
  const MelBandsOptions& options_;
  double largest_;
  std::vector<std::int16_t> samples_;  // [rows, 400]
  std::vector<double> gains_;          // log10 of each row's gain in power
  std::vector<std::int8_t> codes_;     // [rows, 80]
};

}  // namespace

void log_mel_bands(Operations& operations, const MelFrames& frames, TensorView<float> out,
                   const MelBandsOptions& options) {
  MelBands(operations, frames, out, options).run();
  operations.add_audio({.log_mel_s = static_cast<double>(frames.count) / 100});
}

}  // namespace amanuensis::device::npu
