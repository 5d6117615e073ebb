#include "pipeline/diarize/published_networks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <vector>

#include "base/error.h"
#include "model/speaker/kaldi_fbank.h"
#include "model/speaker/segmentation_network.h"
#include "model/speaker/wespeaker_network.h"
#include "pipeline/diarize/powerset.h"

namespace amanuensis::pipeline {
namespace {

using Turns = std::shared_ptr<std::mutex>;  // at the backend

constexpr std::size_t kSpeakers = 3;
constexpr std::size_t kAtOnce = 2;

class PyannoteSegmenter final : public LocalSegmenter {
 public:
  PyannoteSegmenter(const std::filesystem::path& path, device::Backend& backend, Turns turns)
      : network_(path, backend), turns_(std::move(turns)) {
    if (network_.classes() != powerset_.classes()) {
      throw Error(ErrorCode::kUnsupported,
                  fmt::format("{}: a segmentation network with {} classes; those with {} (sets of at most {} of {} "
                              "speakers) are understood, as pyannote/segmentation-3.0 is",
                              path.string(), network_.classes(), powerset_.classes(), kAtOnce, kSpeakers));
    }
    traits_.name = "pyannote-segmentation-3.0";
    traits_.window_samples = model::kSegmentationWindowSamples;
    traits_.speakers = kSpeakers;
    traits_.frames = model::segmentation_frames(model::kSegmentationWindowSamples);
    traits_.first_frame_sample = static_cast<double>(model::kSegmentationFieldSamples - 1) / 2;
    traits_.frame_hop_samples = model::kSegmentationHopSamples;
  }

  const LocalSegmenterTraits& traits() const override { return traits_; }

  void run(std::span<const std::span<const float>> windows, std::span<float> activity) const override {
    if (activity.size() != windows.size() * traits_.frames * kSpeakers ||
        std::ranges::any_of(windows, [&](const auto& window) { return window.size() != traits_.window_samples; })) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("segmentation: windows of {} samples and {} values for each are expected",
                              traits_.window_samples, traits_.frames * kSpeakers));
    }
    std::vector<float> scores(windows.size() * traits_.frames * network_.classes());
    {
      const std::scoped_lock lock(*turns_);
      network_.run(windows, scores);
    }
    powerset_.decode(scores, activity);
  }

 private:
  Powerset powerset_{kSpeakers, kAtOnce};
  model::SegmentationNetwork network_;
  Turns turns_;
  LocalSegmenterTraits traits_;
};

// Features that are convolved at once, 10 s, as the network's users do it; a last part of less than a second is joined
// to the one before.
constexpr std::size_t kSlabFeatures = 1000;
constexpr std::size_t kLeastFeatures = 100;
constexpr std::size_t kFrameSamples = model::kFbankHopSamples * model::kWeSpeakerStride;
constexpr std::size_t kLeastFrames = 2;  // a deviation needs as many

class WeSpeakerEmbedder final : public SpeakerEmbedder {
 public:
  WeSpeakerEmbedder(const std::filesystem::path& path, device::Backend& backend, Turns turns)
      : fbank_(backend), network_(path, backend), turns_(std::move(turns)) {
    traits_.name = "wespeaker-voxceleb-resnet34-LM";
    traits_.kin = traits_.name;
    traits_.dimension = network_.dimension();
    traits_.min_region_s = 0.5;
    traits_.window_s = 2.0;
    // pyannote's pipeline with this network joins groups whose centres are within 0.70 of each other; with voices that
    // are alike to 0.7 among themselves that is a mean similarity of 0.45.
    traits_.merge_similarity = 0.45;
    traits_.same_voice_similarity = 0.5;
  }

  const EmbedderTraits& traits() const override { return traits_; }

  void embed(std::span<const float> audio, std::span<const EmbedRegion> regions,
             std::vector<float>& vectors) const override {
    for (const EmbedRegion& region : regions) {
      if (region.start > region.end || region.end > audio.size()) {
        throw Error(ErrorCode::kInvalidArgument, fmt::format("region {} to {} is not inside {} samples of audio",
                                                             region.start, region.end, audio.size()));
      }
    }
    const std::size_t first_vector = vectors.size();
    vectors.resize(first_vector + regions.size() * traits_.dimension);
    const std::scoped_lock lock(*turns_);
    const model::WeSpeakerFrames frames = listen_to(audio);
    std::vector<model::WeSpeakerStretch> stretches;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < regions.size(); ++i) {
      const std::size_t first = std::min(frames.frames, regions[i].start / kFrameSamples);
      const std::size_t last = std::min(frames.frames, (regions[i].end + kFrameSamples - 1) / kFrameSamples);
      const model::WeSpeakerStretch stretch{&frames, first, last - std::min(first, last), regions[i].weights};
      if (!says_something(stretch)) continue;
      stretches.push_back(stretch);
      places.push_back(i);
    }
    if (stretches.empty()) return;
    std::vector<float> raw(stretches.size() * traits_.dimension);
    network_.embed(stretches, {raw.data(), stretches.size(), traits_.dimension});
    for (std::size_t i = 0; i < places.size(); ++i) {
      write_normalised(std::span(raw).subspan(i * traits_.dimension, traits_.dimension),
                       std::span(vectors).subspan(first_vector + places[i] * traits_.dimension, traits_.dimension));
    }
  }

 private:
  // What the convolutions make of all of the audio.
  model::WeSpeakerFrames listen_to(std::span<const float> audio) const {
    std::vector<float> features = fbank_.compute(audio);
    const std::size_t count = features.size() / model::kFbankBands;
    std::vector<TensorView<const float>> slabs;
    for (std::size_t first = 0; first < count;) {
      const std::size_t left = count - first;
      const std::size_t rows = left < kSlabFeatures + kLeastFeatures ? left : kSlabFeatures;
      const std::span<float> slab = std::span(features).subspan(first * model::kFbankBands, rows * model::kFbankBands);
      model::subtract_band_means(slab);
      slabs.emplace_back(slab.data(), rows, model::kFbankBands);
      first += rows;
    }
    const std::vector<model::WeSpeakerFrames> parts = network_.encode(slabs);
    model::WeSpeakerFrames all;
    for (const model::WeSpeakerFrames& part : parts) {
      all.frames += part.frames;
      all.width = part.width;
    }
    all.values = AlignedBuffer<float>(all.frames * all.width);
    float* to = all.values.data();
    for (const model::WeSpeakerFrames& part : parts) to = std::ranges::copy(part.values.span(), to).out;
    return all;
  }

  static bool says_something(const model::WeSpeakerStretch& stretch) {
    if (stretch.count < kLeastFrames) return false;
    if (stretch.weights.empty()) return true;
    std::size_t heard = 0;
    for (std::size_t t = 0; t < stretch.count; ++t) {
      if (stretch.weights[t * stretch.weights.size() / stretch.count] > 0) ++heard;
    }
    return heard >= kLeastFrames;
  }

  static void write_normalised(std::span<const float> raw, std::span<float> out) {
    double squares = 0;
    for (const float x : raw) squares += static_cast<double>(x) * x;
    if (!(squares > 0) || !std::isfinite(squares)) return;
    const auto scale = static_cast<float>(1 / std::sqrt(squares));
    std::ranges::transform(raw, out.begin(), [scale](float x) { return x * scale; });
  }

  model::KaldiFbank fbank_;
  model::WeSpeakerNetwork network_;
  Turns turns_;
  EmbedderTraits traits_;
};

}  // namespace

PublishedNetworks open_published_networks(const PublishedNetworkPaths& paths, device::Backend& backend) {
  const auto turns = std::make_shared<std::mutex>();
  PublishedNetworks networks;
  if (!paths.segmentation.empty()) {
    networks.segmenter = std::make_shared<PyannoteSegmenter>(paths.segmentation, backend, turns);
  }
  if (!paths.embedding.empty()) {
    networks.embedder = std::make_shared<WeSpeakerEmbedder>(paths.embedding, backend, turns);
  }
  return networks;
}

}  // namespace amanuensis::pipeline
