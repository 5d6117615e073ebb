#include "pipeline/live/pcm_input.h"

#include <fmt/format.h>

#include <cmath>

#include "base/error.h"

namespace amanuensis::pipeline {
namespace {

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

}  // namespace

PcmInput::PcmInput(PcmEncoding encoding, double rate_hz) : encoding_(encoding), resampler_("live audio") {
  if (!(rate_hz >= kLowestRateHz && rate_hz <= kHighestRateHz)) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("a sample rate of {} Hz is not between {} and {}", rate_hz, kLowestRateHz, kHighestRateHz));
  }
  rate_hz_ = static_cast<int>(std::lround(rate_hz));
}

void PcmInput::decode(std::string_view bytes) {
  if (encoding_ != PcmEncoding::kS16le) {
    for (const char byte : bytes) {
      const auto code = static_cast<std::uint8_t>(byte);
      decoded_.push_back(encoding_ == PcmEncoding::kMuLaw ? from_mu_law(code) : from_a_law(code));
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
    decoded_.push_back(
        static_cast<std::int16_t>(static_cast<std::uint8_t>(half_) | (static_cast<std::uint8_t>(byte) << 8)));
  }
}

std::vector<float> PcmInput::push(std::string_view bytes) {
  decoded_.clear();
  decode(bytes);
  std::vector<float> samples;
  resampler_.push(decoded_, rate_hz_, samples);
  return samples;
}

std::vector<float> PcmInput::finish() {
  has_half_ = false;
  std::vector<float> rest;
  resampler_.finish(rest);
  return rest;
}

}  // namespace amanuensis::pipeline
