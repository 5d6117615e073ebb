#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "audio/decode.h"
#include "base/error.h"
#include "pipeline/diarize/local_speakers.h"
#include "pipeline/diarize/naming.h"
#include "pipeline/diarize/sessions.h"

namespace amanuensis::pipeline {
namespace {

constexpr double kRate = audio::kSampleRateHz;

// Each moment is heard in so many windows.
constexpr std::size_t kHearings = 4;
// Windows segmented at once; the audio under them is what is kept of the recording.
constexpr std::size_t kBatchWindows = 16;
// A group with less speech than this, or than this share of it all, is no speaker of its own unless asked for.
constexpr double kLeastSpeakerS = 2.0;
constexpr double kLeastSpeakerShare = 0.01;
constexpr float kActive = 0.5F;

class SegmentedSession final : public DiarizationSession {
 public:
  SegmentedSession(const DiarizerParts& parts, std::string model, const DiarizeOptions& options)
      : segmenter_(parts.segmenter),
        embedder_(parts.embedder),
        traits_(segmenter_->traits()),
        model_(std::move(model)),
        options_(options),
        step_(traits_.window_samples / kHearings) {
    local_.speakers = traits_.speakers;
    local_.dimension = embedder_->traits().dimension;
  }

  void push(std::span<const float> samples) override {
    samples_ += samples.size();
    const std::size_t batch = traits_.window_samples + (kBatchWindows - 1) * step_;
    while (!samples.empty()) {
      const std::size_t taken = std::min(samples.size(), batch - kept_.size());
      kept_.insert(kept_.end(), samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(taken));
      samples = samples.subspan(taken);
      if (kept_.size() == batch) hear(kBatchWindows);
    }
  }

  Diarization finish(const std::stop_token& stop) override {
    hear_rest();
    if (stop.stop_requested()) throw Error(ErrorCode::kCancelled, "interrupted");
    const double duration_s = static_cast<double>(samples_) / kRate;
    const GlobalSpeakers global = identify(local_, cluster_options(), embedder_->traits().min_region_s);
    std::vector<SpeakerTurn> turns =
        smooth_turns(vote(local_, global, traits_, duration_s, options_.overlap), options_.smoothing);
    std::vector<DiarizedSpeaker> speakers(global.speakers);
    for (std::size_t k = 0; k < global.speakers; ++k) {
      const auto voice = std::span(global.voices).subspan(k * local_.dimension, local_.dimension);
      speakers[k].voice.assign(voice.begin(), voice.end());
    }
    name_known_voices(options_.known, embedder_->traits().same_voice_similarity, speakers);
    Diarization result = make_diarization(std::move(turns), std::move(speakers), duration_s);
    result.model = model_;
    return result;
  }

 private:
  // What is left when the audio ends: windows up to the first that reaches its end, silence behind it.
  void hear_rest() {
    const std::size_t heard = local_.windows.size() * step_;  // where the next window begins
    const bool all_heard =
        samples_ == 0 || (!local_.windows.empty() && samples_ <= heard - step_ + traits_.window_samples);
    if (all_heard) return;
    const std::size_t beyond =
        samples_ - heard > traits_.window_samples ? samples_ - heard - traits_.window_samples : 0;
    const std::size_t count = 1 + (beyond + step_ - 1) / step_;
    kept_.resize(traits_.window_samples + (count - 1) * step_);
    hear(count);
  }

  // Segments the next `count` windows, which kept_ begins with, and listens to their speakers.
  void hear(std::size_t count) {
    std::vector<std::span<const float>> windows;
    for (std::size_t w = 0; w < count; ++w) {
      windows.push_back(std::span<const float>(kept_).subspan(w * step_, traits_.window_samples));
    }
    std::vector<float> activity(count * traits_.frames * traits_.speakers);
    segmenter_->run(windows, activity);
    std::vector<std::vector<float>> weights;
    weights.reserve(count * traits_.speakers);
    std::vector<EmbedRegion> regions;
    for (std::size_t w = 0; w < count; ++w) {
      add_window(std::span<const float>(activity).subspan(w * traits_.frames * traits_.speakers,
                                                          traits_.frames * traits_.speakers));
      for (std::size_t s = 0; s < traits_.speakers; ++s) {
        weights.push_back(speaker_weights(local_.windows.back(), s));
        regions.push_back({w * step_, w * step_ + traits_.window_samples, weights.back()});
      }
    }
    embedder_->embed(kept_, regions, local_.vectors);
    kept_.erase(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(std::min(count * step_, kept_.size())));
  }

  void add_window(std::span<const float> activity) {
    const auto start = static_cast<double>(local_.windows.size() * step_);
    LocalWindow window{static_cast<std::size_t>(std::lround(start / traits_.frame_hop_samples)), {}};
    for (std::size_t t = 0; t < traits_.frames; ++t) {
      ActivityMask mask = 0;
      for (std::size_t s = 0; s < traits_.speakers; ++s) {
        if (activity[t * traits_.speakers + s] > kActive) mask = static_cast<ActivityMask>(mask | 1U << s);
      }
      window.masks.push_back(mask);
    }
    local_.windows.push_back(std::move(window));
  }

  // Where a speaker is heard alone; where that is too short to say anything, wherever they are heard.
  std::vector<float> speaker_weights(const LocalWindow& window, std::size_t speaker) {
    const auto alone = static_cast<ActivityMask>(1U << speaker);
    const auto clean = static_cast<double>(std::ranges::count(window.masks, alone));
    const double clean_s = clean * traits_.frame_hop_samples / kRate;
    local_.clean_s.push_back(static_cast<float>(clean_s));
    std::vector<float> weights;
    for (const ActivityMask mask : window.masks) {
      const bool counts = clean_s >= embedder_->traits().min_region_s ? mask == alone : (mask & alone) != 0;
      weights.push_back(counts ? 1.0F : 0.0F);
    }
    return weights;
  }

  ClusterOptions cluster_options() const {
    const double total_s = std::accumulate(local_.clean_s.begin(), local_.clean_s.end(), 0.0);
    ClusterOptions options;
    options.merge_similarity = embedder_->traits().merge_similarity;
    options.min_weight = std::max(kLeastSpeakerS * kHearings, kLeastSpeakerShare * total_s);
    options.min_clusters = options_.num_speakers.value_or(options_.min_speakers.value_or(1));
    options.max_clusters = options_.num_speakers.value_or(options_.max_speakers.value_or(kMaxSpeakers));
    return options;
  }

  std::shared_ptr<const LocalSegmenter> segmenter_;
  std::shared_ptr<const SpeakerEmbedder> embedder_;
  LocalSegmenterTraits traits_;
  std::string model_;
  DiarizeOptions options_;
  std::size_t step_;         // samples from window to window
  std::vector<float> kept_;  // from the next window on
  LocalSpeakers local_;
  std::size_t samples_ = 0;
};

}  // namespace

std::unique_ptr<DiarizationSession> open_segmented_session(const DiarizerParts& parts, std::string model,
                                                           const DiarizeOptions& options) {
  return std::make_unique<SegmentedSession>(parts, std::move(model), options);
}

}  // namespace amanuensis::pipeline
