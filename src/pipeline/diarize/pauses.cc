#include "pipeline/diarize/pauses.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "audio/decode.h"
#include "pipeline/diarize/recording_voices.h"

namespace amanuensis::pipeline {
namespace {

constexpr double kHopS = static_cast<double>(SpeechActivity::kHopSamples) / audio::kSampleRateHz;
// Quiet is so much of the way from the background to speech, and lasts so long.
constexpr float kQuiet = 0.25F;
constexpr std::size_t kLeastFrames = 12;
// The background and speech: this share of all frames, and of those with a turn, is less loud.
constexpr double kBackground = 0.05;
constexpr double kSpeech = 0.7;
// A sound begins and ends so much earlier and later than it is loud.
constexpr std::size_t kEdgeFrames = 1;
// A longer pause is none of one's turn.
constexpr double kGoesOnS = 1.0;

struct Pause {
  double start_s = 0;
  double end_s = 0;
  bool in_one_turn = false;  // it is short, and one turn alone goes on over it
};

float value_at(std::vector<float> values, double share) {
  const auto at = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}

// Means of three frames each.
std::vector<float> smoothed(std::span<const float> level) {
  std::vector<float> smooth(level.begin(), level.end());
  for (std::size_t i = 1; i + 1 < level.size(); ++i) smooth[i] = (level[i - 1] + level[i] + level[i + 1]) / 3;
  return smooth;
}

std::vector<float> of_turns(std::span<const SpeakerTurn> turns, std::span<const float> level) {
  std::vector<float> spoken;
  std::size_t next = 0;  // frames before are in
  for (const SpeakerTurn& turn : turns) {
    const auto end = std::min(level.size(), static_cast<std::size_t>(std::lround(turn.end_s / kHopS)));
    for (next = std::max(next, static_cast<std::size_t>(std::lround(turn.start_s / kHopS))); next < end; ++next) {
      spoken.push_back(level[next]);
    }
  }
  return spoken;
}

std::vector<Pause> find_pauses(std::span<const SpeakerTurn> turns, std::span<const float> level) {
  const std::vector<float> smooth = smoothed(level);
  const std::vector<float> spoken = of_turns(turns, smooth);
  if (spoken.empty()) return {};
  const float background = value_at(smooth, kBackground);
  const float quiet = background + kQuiet * (value_at(spoken, kSpeech) - background);
  std::vector<Pause> pauses;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= smooth.size(); ++i) {
    if (i < smooth.size() && smooth[i] < quiet) continue;
    if (i - begin >= kLeastFrames) {
      pauses.push_back({.start_s = static_cast<double>(begin + kEdgeFrames) * kHopS,
                        .end_s = static_cast<double>(i - kEdgeFrames) * kHopS});
    }
    begin = i + 1;
  }
  return pauses;
}

bool goes_on(const SpeakerTurn& turn, const Pause& pause) {
  return turn.start_s < pause.start_s && turn.end_s > pause.end_s;
}

}  // namespace

std::vector<SpeakerTurn> without_pauses(std::span<const SpeakerTurn> turns, std::span<const float> level,
                                        double min_turn_s) {
  std::vector<Pause> pauses = find_pauses(turns, level);
  const double longest_s = std::accumulate(turns.begin(), turns.end(), 0.0, [](double longest, const auto& turn) {
    return std::max(longest, turn.end_s - turn.start_s);
  });
  // How many turns go on over a pause: looked for among those that begin near enough before it.
  const auto going_on = [&](const Pause& pause) {
    const auto near = std::ranges::lower_bound(turns, pause.start_s - longest_s, {}, &SpeakerTurn::start_s);
    const auto end = std::ranges::upper_bound(turns, pause.start_s, {}, &SpeakerTurn::start_s);
    return std::count_if(near, end, [&](const SpeakerTurn& turn) { return goes_on(turn, pause); });
  };
  for (Pause& pause : pauses) pause.in_one_turn = pause.end_s - pause.start_s <= kGoesOnS && going_on(pause) == 1;
  std::vector<SpeakerTurn> out;
  const auto keep = [&](const SpeakerTurn& turn, double start_s, double end_s) {
    const bool is_whole = start_s == turn.start_s && end_s == turn.end_s;
    if (is_whole || end_s - start_s >= min_turn_s) out.push_back({start_s, end_s, turn.speaker});
  };
  for (const SpeakerTurn& turn : turns) {
    double at_s = turn.start_s;
    auto pause = std::ranges::upper_bound(pauses, turn.start_s, {}, &Pause::end_s);
    for (; pause != pauses.end() && pause->start_s < turn.end_s; ++pause) {
      if (pause->in_one_turn && goes_on(turn, *pause)) continue;
      keep(turn, at_s, std::max(at_s, pause->start_s));
      at_s = std::min(turn.end_s, pause->end_s);
    }
    keep(turn, at_s, turn.end_s);
  }
  std::ranges::stable_sort(out, {}, &SpeakerTurn::start_s);
  return out;
}

}  // namespace amanuensis::pipeline
