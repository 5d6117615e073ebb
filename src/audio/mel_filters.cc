#include "audio/mel_filters.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "kernels/fft/power_spectrum.h"

namespace amanuensis::audio {
namespace {

constexpr double kNyquistHz = 8000;
constexpr double kLinearHzPerMel = 200.0 / 3;  // below 1 kHz
constexpr double kBreakHz = 1000;
constexpr double kBreakMel = kBreakHz / kLinearHzPerMel;
// Above 1 kHz a mel multiplies the frequency by the 27th root of 6.4.
const double kLogStep = std::log(6.4) / 27;

double mel_of_hz(double hz) {
  return hz < kBreakHz ? hz / kLinearHzPerMel : kBreakMel + std::log(hz / kBreakHz) / kLogStep;
}

double hz_of_mel(double mel) {
  return mel < kBreakMel ? mel * kLinearHzPerMel : kBreakHz * std::exp(kLogStep * (mel - kBreakMel));
}

}  // namespace

MelFilters::MelFilters(std::size_t n_mels) {
  if (n_mels != 80 && n_mels != 128) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("no mel filter bank of {} bands: Whisper models have 80 or 128", n_mels));
  }
  std::vector<double> edges_hz(n_mels + 2);
  const double mel_step = mel_of_hz(kNyquistHz) / static_cast<double>(n_mels + 1);
  for (std::size_t i = 0; i < edges_hz.size(); ++i) edges_hz[i] = hz_of_mel(mel_step * static_cast<double>(i));
  std::vector<float> row(kernels::kSpectrumBins);
  for (std::size_t b = 0; b < n_mels; ++b) {
    const double low = edges_hz[b];
    const double centre = edges_hz[b + 1];
    const double high = edges_hz[b + 2];
    for (std::size_t k = 0; k < row.size(); ++k) {
      const double hz = kNyquistHz * static_cast<double>(k) / static_cast<double>(row.size() - 1);
      const double height = std::min((hz - low) / (centre - low), (high - hz) / (high - centre));
      row[k] = static_cast<float>(std::max(0.0, height) * 2 / (high - low));
    }
    append_band(row);
  }
}

MelFilters::MelFilters(TensorView<const float> weights) {
  if (weights.cols() != kernels::kSpectrumBins || weights.rows() == 0) {
    throw Error(ErrorCode::kBadData, fmt::format("mel filters have shape [{}, {}], expected [n_mels, {}]",
                                                 weights.rows(), weights.cols(), kernels::kSpectrumBins));
  }
  for (std::size_t b = 0; b < weights.rows(); ++b) {
    const std::span<const float> row = weights.row(b);
    if (!std::all_of(row.begin(), row.end(), [](float w) { return std::isfinite(w); })) {
      throw Error(ErrorCode::kBadData, fmt::format("mel filter {} has a weight that is not finite", b));
    }
    append_band(row);
  }
}

void MelFilters::append_band(std::span<const float> row) {
  const auto is_used = [](float weight) { return weight != 0; };
  const auto first = std::find_if(row.begin(), row.end(), is_used);
  const auto last = std::find_if(row.rbegin(), std::make_reverse_iterator(first), is_used).base();
  bands_.push_back({.first_bin = static_cast<std::size_t>(first - row.begin()),
                    .bins = static_cast<std::size_t>(last - first),
                    .first_weight = weights_.size()});
  weights_.insert(weights_.end(), first, last);
}

}  // namespace amanuensis::audio
