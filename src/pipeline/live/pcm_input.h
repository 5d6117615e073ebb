// Raw sound as clients send it, piece by piece, to samples as models want them: mono, 16 kHz. Belongs to one
// conversation and one thread at a time.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

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

  // Throws Error{kInvalidArgument} for a rate outside the two above.
  PcmInput(PcmEncoding encoding, double rate_hz);

  // The samples that these bytes complete. A sample may be cut anywhere. Resampling by a windowed sinc of 16 zero
  // crossings, which looks some milliseconds ahead: the last samples come with the next piece, or with finish().
  std::vector<float> push(std::string_view bytes);
  std::vector<float> finish();

 private:
  void decode(std::string_view bytes);
  std::vector<float> resample(std::size_t end);

  PcmEncoding encoding_;
  double step_;    // input samples per output sample
  double reach_;   // of the filter, in input samples
  double cutoff_;  // of the filter, as a share of the input's Nyquist frequency
  bool has_half_ = false;
  char half_ = 0;
  std::vector<float> input_;  // not needed any longer: dropped
  double at_ = 0;             // the next output sample's place in input_
};

}  // namespace amanuensis::pipeline
