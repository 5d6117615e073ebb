#include "pipeline/diarize/overlap.h"

#include <algorithm>
#include <limits>

#include "audio/decode.h"

namespace amanuensis::pipeline {
namespace {

constexpr std::size_t kHop = SpeechActivity::kHopSamples;
// Probabilities are averaged over this many frames on both sides.
constexpr std::size_t kSmoothFrames = 7;
// A turn further away than this is no sign of who joins in.
constexpr double kNearS = 15;

// Samples of a time, and back.
double seconds(std::size_t samples) { return static_cast<double>(samples) / audio::kSampleRateHz; }

void add_second(double start_s, double end_s, std::span<const SpeakerTurn> turns, std::vector<SpeakerTurn>& added) {
  // The overlap may span turns of several speakers: each part of it needs somebody else.
  for (const SpeakerTurn& turn : turns) {
    const double from = std::max(start_s, turn.start_s);
    const double to = std::min(end_s, turn.end_s);
    if (!(from < to)) continue;
    double nearest = kNearS;
    const SpeakerTurn* second = nullptr;
    for (const SpeakerTurn& other : turns) {
      if (other.speaker == turn.speaker) continue;
      const double away = std::max({0.0, other.start_s - to, from - other.end_s});
      if (away < nearest) {
        nearest = away;
        second = &other;
      }
    }
    if (second != nullptr) added.push_back({from, to, second->speaker});
  }
}

}  // namespace

std::vector<SpeechSpan> find_overlaps(const SpeechActivity& activity, const OverlapOptions& options) {
  std::vector<SpeechSpan> spans;
  const std::size_t count = activity.frames.size();
  double sum = 0;
  std::size_t begin = 0;
  std::size_t end = 0;
  bool inside = false;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t from = i - std::min(i, kSmoothFrames);
    const std::size_t to = std::min(count, i + kSmoothFrames + 1);
    while (end < to) sum += static_cast<double>(activity.frames[end++][2]);
    while (begin < from) sum -= static_cast<double>(activity.frames[begin++][2]);
    const bool overlaps = sum / static_cast<double>(to - from) >= options.threshold;
    if (overlaps && !inside) spans.push_back({i * kHop, i * kHop});
    if (overlaps) spans.back().end = (i + 1) * kHop;
    inside = overlaps;
  }
  std::erase_if(spans, [&](const SpeechSpan& span) { return seconds(span.size()) < options.min_s; });
  return spans;
}

void add_second_speakers(std::span<const SpeechSpan> overlaps, std::vector<SpeakerTurn>& turns) {
  std::vector<SpeakerTurn> added;
  std::size_t first = 0;
  for (const SpeechSpan& overlap : overlaps) {
    const double start_s = seconds(overlap.start);
    const double end_s = seconds(overlap.end);
    while (first < turns.size() && turns[first].end_s < start_s - kNearS) ++first;
    std::size_t last = first;
    while (last < turns.size() && turns[last].start_s < end_s + kNearS) ++last;
    add_second(start_s, end_s, std::span(turns).subspan(first, last - first), added);
  }
  turns.insert(turns.end(), added.begin(), added.end());
}

std::vector<float> speech_probabilities(const SpeechActivity& activity, std::size_t samples) {
  std::vector<float> probabilities((samples + kVadFrameSamples - 1) / kVadFrameSamples);
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    const std::size_t first = i * kVadFrameSamples / kHop;
    const std::size_t last = std::min(activity.frames.size(), ((i + 1) * kVadFrameSamples - 1) / kHop + 1);
    if (first >= last) continue;
    float sum = 0;
    for (std::size_t k = first; k < last; ++k) sum += 1.0F - activity.frames[k][0];
    probabilities[i] = sum / static_cast<float>(last - first);
  }
  return probabilities;
}

}  // namespace amanuensis::pipeline
