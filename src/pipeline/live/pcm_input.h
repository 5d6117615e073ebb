// Raw sound as clients send it, piece by piece, to samples as models want them: mono, 16 kHz. Belongs to one
// conversation and one thread at a time.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "audio/mono_resampler.h"

namespace amanuensis::pipeline {

enum class PcmEncoding {
  kS16le,
  kMuLaw,  // ITU-T G.711
  kALaw,
};

class PcmInput {
 public:
  static constexpr double kLowestRateHz = 4000;
  static constexpr double kHighestRateHz = 192000;

  // Throws Error{kInvalidArgument} for a rate outside the two above; parts of a hertz are rounded.
  PcmInput(PcmEncoding encoding, double rate_hz);

  // The samples that these bytes complete. A sample may be cut anywhere. The resampler's filter looks some milliseconds
  // ahead: the last samples come with the next piece, or with finish(), after which a new signal may begin.
  std::vector<float> push(std::string_view bytes);
  std::vector<float> finish();

 private:
  void decode(std::string_view bytes);

  PcmEncoding encoding_;
  int rate_hz_ = 0;
  bool has_half_ = false;
  char half_ = 0;
  std::vector<std::int16_t> decoded_;
  audio::MonoResampler resampler_;
};

}  // namespace amanuensis::pipeline
