#include "pipeline/segment/audio_window.h"

#include <algorithm>
#include <cmath>

namespace amanuensis::pipeline {
namespace {

constexpr double kSamplesPerSecond = 16000;

// A time as a place among samples. Seconds times rate may miss a whole number by a rounding error, which at a joint
// would be the difference between the two sides of a pause.
double place_of(double time_s) {
  const double place = time_s * kSamplesPerSecond;
  const double whole = std::round(place);
  constexpr double kRoundingError = 1e-6;
  return std::abs(place - whole) < kRoundingError ? whole : place;
}

// A piece and its first sample's place in the window.
struct Placed {
  SpeechSpan piece;
  std::size_t first = 0;
};

// The piece that window place `sample` is in; at a joint the one that `joint` says. The window must have pieces.
Placed piece_at(const AudioWindow& window, double sample, Joint joint) {
  Placed placed{window.pieces.front(), 0};
  for (std::size_t i = 0; i + 1 < window.pieces.size(); ++i) {
    const std::size_t next = placed.first + placed.piece.size();
    const auto boundary = static_cast<double>(next);
    if (joint == Joint::kAfter ? sample < boundary : sample <= boundary) break;
    placed = {window.pieces[i + 1], next};
  }
  return placed;
}

// `sample` of the window as a place in the original, kept inside the piece.
double place_in(const Placed& placed, double sample) {
  const double offset =
      std::clamp(sample - static_cast<double>(placed.first), 0.0, static_cast<double>(placed.piece.size()));
  return static_cast<double>(placed.piece.start) + offset;
}

}  // namespace

std::size_t AudioWindow::samples() const {
  std::size_t total = 0;
  for (const SpeechSpan& piece : pieces) total += piece.size();
  return total;
}

std::size_t original_sample(const AudioWindow& window, std::size_t sample, Joint joint) {
  if (window.pieces.empty()) return 0;
  // Whole numbers below 2^53 stay exact.
  const auto place = static_cast<double>(sample);
  return static_cast<std::size_t>(place_in(piece_at(window, place, joint), place));
}

std::size_t window_sample(const AudioWindow& window, std::size_t sample) {
  std::size_t first = 0;
  for (const SpeechSpan& piece : window.pieces) {
    if (sample < piece.end) return first + (sample > piece.start ? sample - piece.start : 0);
    first += piece.size();
  }
  return first;
}

double original_time_s(const AudioWindow& window, double window_time_s, Joint joint) {
  if (window.pieces.empty()) return 0;
  const double place = place_of(window_time_s);
  return place_in(piece_at(window, place, joint), place) / kSamplesPerSecond;
}

double window_time_s(const AudioWindow& window, double original_time_s) {
  const double place = place_of(original_time_s);
  double first = 0;
  for (const SpeechSpan& piece : window.pieces) {
    const auto start = static_cast<double>(piece.start);
    if (place < static_cast<double>(piece.end)) return (first + std::max(0.0, place - start)) / kSamplesPerSecond;
    first += static_cast<double>(piece.size());
  }
  return first / kSamplesPerSecond;
}

TimeRange original_segment(const AudioWindow& window, const TimeRange& in_window) {
  const double start_s = original_time_s(window, in_window.start_s, Joint::kAfter);
  const double end_s = original_time_s(window, in_window.end_s, Joint::kBefore);
  // Something without length that lies at a joint would end in the piece before the one it starts in.
  return {start_s, std::max(start_s, end_s)};
}

TimeRange original_word(const AudioWindow& window, const TimeRange& in_window) {
  if (window.pieces.empty()) return {};
  const double start = place_of(in_window.start_s);
  const double end = place_of(in_window.end_s);
  const Placed placed = piece_at(window, (start + end) / 2, Joint::kAfter);
  return {place_in(placed, start) / kSamplesPerSecond, place_in(placed, end) / kSamplesPerSecond};
}

}  // namespace amanuensis::pipeline
