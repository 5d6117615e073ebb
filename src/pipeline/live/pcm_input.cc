#include "pipeline/live/pcm_input.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "base/error.h"
#include "model/whisper/constants.h"

namespace amanuensis::pipeline {
namespace {

constexpr double kRate = static_cast<double>(model::kSampleRateHz);
constexpr double kZeroCrossings = 16;
// The pass band ends a little below the lower Nyquist frequency, so that the transition lies under it.
constexpr double kPassShare = 0.94;

// G.711, expanded to 16 bits.
std::int16_t from_mu_law(std::uint8_t byte) {
  const int inverted = static_cast<std::uint8_t>(~byte);
  const int exponent = (inverted >> 4) & 7;
  const int magnitude = ((((inverted & 15) << 3) + 132) << exponent) - 132;
  return static_cast<std::int16_t>((inverted & 0x80) != 0 ? -magnitude : magnitude);
}

std::int16_t from_a_law(std::uint8_t byte) {
  const int even = byte ^ 0x55;
  const int exponent = (even >> 4) & 7;
  const int mantissa = (even & 15) << 4;
  const int magnitude = exponent == 0 ? mantissa + 8 : (mantissa + 264) << (exponent - 1);
  return static_cast<std::int16_t>((even & 0x80) != 0 ? magnitude : -magnitude);
}

double sinc(double x) { return std::abs(x) < 1e-9 ? 1 : std::sin(std::numbers::pi * x) / (std::numbers::pi * x); }

}  // namespace

PcmInput::PcmInput(PcmEncoding encoding, double rate_hz) : encoding_(encoding), step_(rate_hz / kRate) {
  if (!(rate_hz >= kLowestRateHz && rate_hz <= kHighestRateHz)) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("a sample rate of {} Hz is not between {} and {}", rate_hz, kLowestRateHz, kHighestRateHz));
  }
  cutoff_ = step_ == 1 ? 1 : kPassShare * std::min(1.0, 1 / step_);
  reach_ = step_ == 1 ? 0 : kZeroCrossings / cutoff_;
}

void PcmInput::decode(std::string_view bytes) {
  if (encoding_ != PcmEncoding::kS16le) {
    for (const char byte : bytes) {
      const auto code = static_cast<std::uint8_t>(byte);
      const std::int16_t value = encoding_ == PcmEncoding::kMuLaw ? from_mu_law(code) : from_a_law(code);
      input_.push_back(static_cast<float>(value) / 32768.0F);
    }
    return;
  }
  for (const char byte : bytes) {
    if (!has_half_) {
      half_ = byte;
      has_half_ = true;
      continue;
    }
    has_half_ = false;
    const auto value =
        static_cast<std::int16_t>(static_cast<std::uint8_t>(half_) | (static_cast<std::uint8_t>(byte) << 8));
    input_.push_back(static_cast<float>(value) / 32768.0F);
  }
}

// Output samples whose filter ends before `end`.
std::vector<float> PcmInput::resample(std::size_t end) {
  std::vector<float> output;
  if (step_ == 1) {
    output.swap(input_);
    return output;
  }
  const auto last = static_cast<double>(end);
  const auto have = static_cast<std::ptrdiff_t>(input_.size());
  for (; at_ + reach_ < last; at_ += step_) {
    const auto first = std::max<std::ptrdiff_t>(0, static_cast<std::ptrdiff_t>(std::ceil(at_ - reach_)));
    const auto stop = std::min(have, static_cast<std::ptrdiff_t>(std::floor(at_ + reach_)) + 1);
    double sum = 0;
    for (std::ptrdiff_t i = first; i < stop; ++i) {
      const double distance = static_cast<double>(i) - at_;
      const double window = 0.5 + 0.5 * std::cos(std::numbers::pi * distance / reach_);
      sum += static_cast<double>(input_[static_cast<std::size_t>(i)]) * cutoff_ * sinc(cutoff_ * distance) * window;
    }
    output.push_back(static_cast<float>(sum));
  }
  const double unneeded = std::floor(at_ - reach_);
  if (unneeded > 0) {
    const auto count = std::min(input_.size(), static_cast<std::size_t>(unneeded));
    input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(count));
    at_ -= static_cast<double>(count);
  }
  return output;
}

std::vector<float> PcmInput::push(std::string_view bytes) {
  decode(bytes);
  return resample(input_.size());
}

std::vector<float> PcmInput::finish() {
  has_half_ = false;
  std::vector<float> rest = resample(input_.size() + static_cast<std::size_t>(std::ceil(reach_)));
  input_.clear();
  at_ = 0;
  return rest;
}

}  // namespace amanuensis::pipeline
