#include "pipeline/diarize/local_speakers.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "audio/decode.h"
#include "pipeline/eval/assignment.h"

namespace amanuensis::pipeline {
namespace {

std::span<const float> vector_of(const LocalSpeakers& local, std::size_t number) {
  return std::span(local.vectors).subspan(number * local.dimension, local.dimension);
}

bool is_silent(std::span<const float> vector) {
  return std::ranges::all_of(vector, [](float x) { return x == 0; });
}

double similarity(std::span<const float> a, std::span<const float> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

// Gives the speakers of one window clusters, so that together they are as like them as can be.
void identify_window(const LocalSpeakers& local, std::size_t window, GlobalSpeakers& global) {
  std::vector<std::size_t> numbers;
  for (std::size_t s = 0; s < local.speakers; ++s) {
    const std::size_t number = window * local.speakers + s;
    if (!is_silent(vector_of(local, number))) numbers.push_back(number);
  }
  std::vector<double> costs;
  for (const std::size_t number : numbers) {
    for (std::size_t k = 0; k < global.speakers; ++k) {
      const auto voice = std::span<const float>(global.voices).subspan(k * local.dimension, local.dimension);
      costs.push_back(-similarity(vector_of(local, number), voice));
    }
  }
  if (costs.empty()) return;
  for (const auto& [row, speaker] : assign({costs.data(), numbers.size(), global.speakers})) {
    global.speaker_of[numbers[row]] = speaker;
  }
}

// The turns that are going on, by speaker.
class OpenTurns {
 public:
  OpenTurns(std::size_t speakers, double duration_s) : starts_(speakers), duration_s_(duration_s) {}

  // From `time_s` on exactly these speak.
  void change(double time_s, const std::vector<char>& speaks) {
    const double at_s = std::clamp(time_s, 0.0, duration_s_);
    for (std::size_t k = 0; k < starts_.size(); ++k) {
      if (speaks[k] != 0 && !starts_[k]) starts_[k] = at_s;
      if (speaks[k] == 0 && starts_[k]) {
        if (at_s > *starts_[k]) turns_.push_back({*starts_[k], at_s, k});
        starts_[k].reset();
      }
    }
  }
  std::vector<SpeakerTurn> take() && { return std::move(turns_); }

 private:
  std::vector<std::optional<double>> starts_;
  std::vector<SpeakerTurn> turns_;
  double duration_s_;
};

// Leaves the `count` speakers with the most votes.
void keep_most_voted(const std::vector<float>& votes, std::size_t count, std::vector<char>& speaks) {
  std::ranges::fill(speaks, 0);
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t best = kNobody;
    for (std::size_t k = 0; k < votes.size(); ++k) {
      if (speaks[k] == 0 && votes[k] > 0 && (best == kNobody || votes[k] > votes[best])) best = k;
    }
    if (best == kNobody) return;
    speaks[best] = 1;
  }
}

}  // namespace

GlobalSpeakers identify(const LocalSpeakers& local, const ClusterOptions& options, double least_s) {
  GlobalSpeakers global;
  global.speaker_of.assign(local.clean_s.size(), kNobody);
  const auto gather = [&](double least) {
    std::vector<std::size_t> chosen;
    for (std::size_t i = 0; i < local.clean_s.size(); ++i) {
      if (local.clean_s[i] >= least && !is_silent(vector_of(local, i))) chosen.push_back(i);
    }
    return chosen;
  };
  std::vector<std::size_t> chosen = gather(least_s);
  if (chosen.empty()) chosen = gather(0);  // nobody speaks for long: what there is must do
  if (chosen.empty()) return global;
  std::vector<float> vectors;
  std::vector<float> weights;
  for (const std::size_t number : chosen) {
    const auto vector = vector_of(local, number);
    vectors.insert(vectors.end(), vector.begin(), vector.end());
    weights.push_back(std::max(local.clean_s[number], 0.01F));
  }
  const VoiceVectors voices{vectors, local.dimension};
  const std::vector<std::size_t> labels = cluster_voices(voices, weights, options);
  global.speakers = *std::ranges::max_element(labels) + 1;
  global.voices = cluster_centres(voices, weights, labels, global.speakers);
  for (std::size_t window = 0; window < local.windows.size(); ++window) identify_window(local, window, global);
  return global;
}

std::vector<SpeakerTurn> vote(const LocalSpeakers& local, const GlobalSpeakers& global,
                              const LocalSegmenterTraits& traits, double duration_s, bool overlap) {
  OpenTurns turns(global.speakers, duration_s);
  std::vector<float> votes(global.speakers);
  std::vector<char> speaks(global.speakers);
  const std::size_t frames = local.windows.empty() ? 0 : local.windows.back().first_frame + traits.frames;
  const auto time_of = [&](std::size_t frame) {
    return (traits.first_frame_sample + (static_cast<double>(frame) - 0.5) * traits.frame_hop_samples) /
           audio::kSampleRateHz;
  };
  std::size_t first_window = 0;
  for (std::size_t frame = 0; frame < frames; ++frame) {
    while (local.windows[first_window].first_frame + traits.frames <= frame) ++first_window;
    std::ranges::fill(votes, 0.0F);
    std::size_t hearing = 0;
    std::size_t heard = 0;
    for (std::size_t w = first_window; w < local.windows.size() && local.windows[w].first_frame <= frame; ++w) {
      const ActivityMask mask = local.windows[w].masks[frame - local.windows[w].first_frame];
      ++hearing;
      for (std::size_t s = 0; s < local.speakers; ++s) {
        if ((mask >> s & 1U) == 0) continue;
        ++heard;
        const std::size_t speaker = global.speaker_of[w * local.speakers + s];
        if (speaker != kNobody) votes[speaker] += 1;
      }
    }
    const auto mean = static_cast<std::size_t>(
        std::lround(static_cast<double>(heard) / static_cast<double>(std::max<std::size_t>(1, hearing))));
    keep_most_voted(votes, overlap ? mean : std::min<std::size_t>(1, mean), speaks);
    turns.change(time_of(frame), speaks);
  }
  std::ranges::fill(speaks, 0);
  turns.change(time_of(frames), speaks);
  return std::move(turns).take();
}

}  // namespace amanuensis::pipeline
