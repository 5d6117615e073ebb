#include "pipeline/diarize/overlap.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "audio/decode.h"
#include "pipeline/segment/speech_spans.h"

namespace amanuensis::pipeline {
namespace {

constexpr std::size_t kHop = SpeechActivity::kHopSamples;
constexpr double kHopS = static_cast<double>(kHop) / audio::kSampleRateHz;
// Probabilities of overlaps are averaged over this many frames on both sides.
constexpr std::size_t kSmoothFrames = 7;
// Nearness is averaged over this many.
constexpr std::size_t kNearFrames = 15;
// So many at once for so long, and for so much of the speech, are no mistake.
constexpr double kLeastAtOnceS = 2;
constexpr double kLeastAtOnceShare = 0.1;
// A turn further away than this is no sign of who joins in.
constexpr double kNearS = 15;

// Sums of values up to each: the mean of a stretch is two look-ups then.
std::vector<double> running_sums(std::span<const float> values) {
  std::vector<double> sums{0};
  sums.reserve(values.size() + 1);
  for (const float value : values) sums.push_back(sums.back() + static_cast<double>(value));
  return sums;
}

double mean_around(std::span<const double> sums, std::size_t row) {
  const std::size_t from = row - std::min(row, kSmoothFrames);
  const std::size_t to = std::min(sums.size() - 1, row + kSmoothFrames + 1);
  return (sums[to] - sums[from]) / static_cast<double>(to - from);
}

// Counts that last too short become `instead`.
void drop_short(std::vector<std::uint8_t>& counts, std::uint8_t least, std::uint8_t instead, double min_s) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= counts.size(); ++i) {
    if (i < counts.size() && counts[i] >= least) continue;
    if (static_cast<double>(i - begin) * kHopS < min_s) {
      std::fill(counts.begin() + static_cast<std::ptrdiff_t>(begin), counts.begin() + static_cast<std::ptrdiff_t>(i),
                instead);
    }
    begin = i + 1;
  }
}

std::size_t frame_of(double seconds, std::size_t frames) {
  return std::min(frames, static_cast<std::size_t>(std::lround(seconds / kHopS)));
}

// How near in time each speaker's turns are, from 1 to 0, -1 beyond kNearS: [frames, speakers].
std::vector<float> nearness(std::span<const SpeakerTurn> turns, std::size_t frames, std::size_t speakers) {
  constexpr float kFar = -1.0F;
  std::vector<float> near(frames * speakers, kFar);
  const auto offer = [&](std::size_t frame, std::size_t speaker, double away_s) {
    if (away_s > kNearS) return;
    float& value = near[frame * speakers + speaker];
    value = std::max(value, static_cast<float>(1.0 - away_s / kNearS));
  };
  for (const SpeakerTurn& turn : turns) {
    const std::size_t first = frame_of(turn.start_s, frames);
    const std::size_t last = frame_of(turn.end_s, frames);
    const auto reach = static_cast<std::size_t>(kNearS / kHopS);
    for (std::size_t i = first - std::min(first, reach); i < std::min(frames, last + reach); ++i) {
      const double at_s = static_cast<double>(i) * kHopS;
      offer(i, turn.speaker, std::max({0.0, turn.start_s - at_s, at_s - turn.end_s}));
    }
  }
  return near;
}

// The speakers other than one whose turns are the nearest to a frame, at most `count`, the nearest first.
std::vector<std::size_t> nearest(std::span<const float> near, std::size_t speakers, std::size_t frame,
                                 std::size_t not_this, std::size_t count) {
  const std::size_t from = frame - std::min(frame, kNearFrames);
  const std::size_t to = std::min(near.size() / speakers, frame + kNearFrames + 1);
  std::vector<std::pair<float, std::size_t>> others;
  for (std::size_t k = 0; k < speakers; ++k) {
    float sum = 0;
    for (std::size_t i = from; i < to; ++i) sum += near[i * speakers + k];
    if (k != not_this && sum >= 0) others.emplace_back(-sum, k);
  }
  count = std::min(count, others.size());
  std::partial_sort(others.begin(), others.begin() + static_cast<std::ptrdiff_t>(count), others.end());
  std::vector<std::size_t> chosen;
  for (std::size_t j = 0; j < count; ++j) chosen.push_back(others[j].second);
  return chosen;
}

}  // namespace

std::vector<std::uint8_t> count_overlapping(const SpeechActivity& activity, const OverlapOptions& options,
                                            const std::vector<bool>& sure) {
  std::vector<float> more(activity.frames.size());
  std::vector<std::uint8_t> counts(activity.frames.size());
  // From the most down: `more` is the probability of at least so many.
  for (std::size_t count = SpeechActivity::kMost; count > 1; --count) {
    for (std::size_t i = 0; i < more.size(); ++i) more[i] += activity.frames[i][count];
    const std::vector<double> sums = running_sums(more);
    for (std::size_t i = 0; i < counts.size(); ++i) {
      const double least = options.least[count - 2];
      const bool is_sure = i < sure.size() && sure[i];
      if (counts[i] == 0 && mean_around(sums, i) >= (is_sure ? std::max(least, options.least_where_sure) : least)) {
        counts[i] = static_cast<std::uint8_t>(count);
      }
    }
  }
  for (std::uint8_t count = SpeechActivity::kMost; count > 1; --count) {
    drop_short(counts, count, count > 2 ? static_cast<std::uint8_t>(count - 1) : std::uint8_t{0}, options.min_s);
  }
  return counts;
}

std::size_t most_at_once(std::span<const std::uint8_t> counts, double speech_s) {
  const double least_s = std::max(kLeastAtOnceS, kLeastAtOnceShare * speech_s);
  std::size_t most = 1;
  for (std::size_t n = 2; n <= SpeechActivity::kMost; ++n) {
    const auto frames = std::ranges::count_if(counts, [n](std::uint8_t count) { return count >= n; });
    if (static_cast<double>(frames) * kHopS >= least_s) most = n;
  }
  return most;
}

void add_more_speakers(std::span<const std::uint8_t> counts, std::size_t speakers, std::vector<SpeakerTurn>& turns) {
  constexpr auto kNone = static_cast<std::size_t>(-1);
  const std::vector<float> near = nearness(turns, counts.size(), speakers);
  std::vector<SpeakerTurn> added;
  std::vector<std::size_t> last(speakers, kNone);  // what was added last, of each speaker
  std::vector<std::size_t> ends(speakers, kNone);  // the frame behind it
  for (const SpeakerTurn& turn : turns) {
    for (std::size_t i = frame_of(turn.start_s, counts.size()); i < frame_of(turn.end_s, counts.size()); ++i) {
      if (counts[i] < 2) continue;
      const double end_s = static_cast<double>(i + 1) * kHopS;
      for (const std::size_t k : nearest(near, speakers, i, turn.speaker, counts[i] - 1U)) {
        if (ends[k] == i) {
          added[last[k]].end_s = end_s;
        } else {
          last[k] = added.size();
          added.push_back({static_cast<double>(i) * kHopS, end_s, k});
        }
        ends[k] = i + 1;
      }
    }
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
