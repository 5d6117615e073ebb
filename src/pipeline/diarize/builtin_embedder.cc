#include "pipeline/diarize/builtin_embedder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <mutex>

#include "audio/mel_frames.h"
#include "base/error.h"
#include "model/speaker/activity_net.h"
#include "model/speaker/voice_net.h"
#include "pipeline/diarize/speech_gate.h"
#include "pipeline/segment/spectral_detector.h"

namespace amanuensis::pipeline {
namespace {

constexpr std::size_t kBands = audio::kVoiceBands;
constexpr std::size_t kHop = audio::kVoiceHopSamples;
static_assert(kBands == model::kVoiceNetBands);

using Mean = std::array<float, kBands>;

// Log-mel values as bytes: a step is a ninth of a neper, half a decibel.
constexpr float kStep = 28.0F / 255;

std::uint8_t to_byte(float mel) {
  return static_cast<std::uint8_t>(std::lround(std::clamp((mel - audio::kVoiceMelFloor) / kStep, 0.0F, 255.0F)));
}
float from_byte(std::uint8_t byte) { return audio::kVoiceMelFloor + kStep * static_cast<float>(byte); }

// A part of a recording that is computed at once is at most this long, unless one region is longer.
constexpr std::size_t kStretchFrames = 6000;
// Speech beyond this says nothing more about a voice.
constexpr std::size_t kVoiceFrames = 12000;

// Bands from 300 Hz to 4.5 kHz.
constexpr std::size_t kGateFirst = 5;
constexpr std::size_t kGateLast = 32;

// Frames in which how many speak is computed at once.
constexpr std::size_t kPieceFrames = 12000;

struct SharedNet {
  explicit SharedNet(device::Backend& backend) : net(backend), activity(backend) {}
  void run(TensorView<const float> mel, std::span<const model::FrameRange> regions, std::span<float> out) const {
    const std::scoped_lock lock(mutex);
    net.run(mel, regions, out);
  }
  std::vector<model::ActivityFrame> run_activity(TensorView<const float> mel) const {
    const std::scoped_lock lock(mutex);
    return activity.run(mel);
  }
  model::VoiceNet net;
  model::ActivityNet activity;
  mutable std::mutex mutex;
};

model::FrameRange frames_of(const SpeechSpan& span, std::size_t frames) {
  const std::size_t start = std::min(frames, span.start / kHop);
  return {start, std::clamp(span.end / kHop, start, frames)};
}

// FNV-1a of the mean vector: it was measured with the networks and changes with them.
std::uint32_t fingerprint(const model::VoiceSpace& space) {
  std::uint32_t hash = 2166136261U;
  for (const float value : space.mean) {
    hash = (hash ^ std::bit_cast<std::uint32_t>(value)) * 16777619U;
  }
  return hash;
}

class MelVoices final : public RecordingVoices {
 public:
  explicit MelVoices(const SharedNet& net) : net_(net) {}

  void push(std::span<const float> samples) override {
    stream_.push(samples, fresh_);
    store();
    detector_->push(samples, voicing_);
  }

  SpeechActivity activity() override {
    stream_.finish(fresh_);
    store();
    detector_->finish(voicing_);
    const Mean background = background_level();
    SpeechActivity result;
    result.frames.reserve(frames() / model::kActivityStride + 1);
    in_pieces(background, net_.activity.reach(), [&](TensorView<const float> mel, std::size_t skip, std::size_t count) {
      const std::vector<model::ActivityFrame> piece = net_.run_activity(mel);
      result.frames.insert(result.frames.end(), piece.begin() + static_cast<std::ptrdiff_t>(skip),
                           piece.begin() + static_cast<std::ptrdiff_t>(skip + count));
    });
    std::vector<float> speech(frames());
    for (std::size_t i = 0; i < speech.size(); ++i) speech[i] = 1.0F - result.frames[i / model::kActivityStride][0];
    const std::vector<float> energy = energy_above(background);
    const std::vector<bool> gate = gate_speech(speech, energy, voicing_);
    result.level.reserve(result.frames.size());
    for (std::size_t i = 0; i < result.frames.size(); ++i) {
      const std::size_t frame = i * model::kActivityStride;
      if (!gate[frame]) result.frames[i] = {1};
      result.level.push_back((energy[frame] + energy[std::min(frame + 1, energy.size() - 1)]) / 2);
    }
    return result;
  }

  void finish(std::span<const SpeechSpan> speech) override {
    stream_.finish(fresh_);
    store();
    std::vector<model::FrameRange> ranges;
    ranges.reserve(speech.size());
    for (const SpeechSpan& span : speech) ranges.push_back(frames_of(span, frames()));
    mean_ = mean_of(ranges);
  }

  void embed(std::span<const SpeechSpan> regions, std::vector<float>& vectors) const override {
    std::size_t next = 0;
    while (next < regions.size()) {
      // Neighbouring regions share what is computed for their frames.
      const std::size_t first = frames_of(regions[next], frames()).start;
      std::size_t last = first;
      std::vector<model::FrameRange> ranges;
      while (next < regions.size()) {
        const model::FrameRange range = frames_of(regions[next], frames());
        if (!ranges.empty() && (range.start > last || range.end > first + kStretchFrames)) break;
        last = std::max(last, range.end);
        ranges.push_back({range.start - first, range.end - first});
        ++next;
      }
      const std::vector<float> mel = read(first, last, mean_);
      const std::size_t before = vectors.size();
      vectors.resize(before + ranges.size() * model::kVoiceNetWidth);
      net_.run({mel.data(), last - first, kBands}, ranges, std::span(vectors).subspan(before));
    }
  }

  std::vector<float> voice(std::span<const SpeechSpan> regions) const override {
    std::vector<model::FrameRange> ranges;
    std::size_t total = 0;
    for (const SpeechSpan& region : regions) {
      model::FrameRange range = frames_of(region, frames());
      range.end = std::min(range.end, range.start + (kVoiceFrames - total));
      total += range.end - range.start;
      ranges.push_back(range);
    }
    if (total == 0) return {};
    const Mean mean = mean_of(ranges);
    std::vector<float> mel;
    for (const model::FrameRange& range : ranges) {
      const std::vector<float> piece = read(range.start, range.end, mean);
      mel.insert(mel.end(), piece.begin(), piece.end());
    }
    std::vector<float> vector(model::kVoiceNetWidth);
    const model::FrameRange whole{0, total};
    net_.run({mel.data(), total, kBands}, {&whole, 1}, vector);
    return vector;
  }

 private:
  std::size_t frames() const { return bytes_.size() / kBands; }

  void store() {
    for (const float value : fresh_) bytes_.push_back(to_byte(value));
    fresh_.clear();
  }

  // The percentile of each band that the activity network was trained with.
  Mean background_level() const {
    std::array<std::array<std::size_t, 256>, kBands> counts{};
    for (std::size_t i = 0; i < bytes_.size(); ++i) ++counts[i % kBands][bytes_[i]];
    Mean level{};
    for (std::size_t band = 0; band < kBands; ++band) {
      const auto wanted = static_cast<std::size_t>(model::kActivityBackground * static_cast<double>(frames()));
      std::size_t below = 0;
      std::size_t value = 0;
      while (value < 255 && (below += counts[band][value]) <= wanted) ++value;
      level[band] = from_byte(static_cast<std::uint8_t>(value));
    }
    return level;
  }

  // What gate_speech() wants of each frame.
  std::vector<float> energy_above(const Mean& background) const {
    std::vector<float> energy(frames());
    for (std::size_t frame = 0; frame < energy.size(); ++frame) {
      float sum = 0;
      for (std::size_t band = kGateFirst; band < kGateLast; ++band) {
        sum += from_byte(bytes_[frame * kBands + band]) - background[band];
      }
      energy[frame] = sum / static_cast<float>(kGateLast - kGateFirst);
    }
    return energy;
  }

  Mean mean_of(std::span<const model::FrameRange> ranges) const {
    std::array<double, kBands> sum{};
    std::size_t count = 0;
    for (const model::FrameRange& range : ranges) {
      for (std::size_t frame = range.start; frame < range.end; ++frame) {
        for (std::size_t band = 0; band < kBands; ++band) sum[band] += from_byte(bytes_[frame * kBands + band]);
      }
      count += range.end - range.start;
    }
    Mean mean{};
    for (std::size_t band = 0; band < kBands; ++band) {
      mean[band] = static_cast<float>(sum[band] / static_cast<double>(std::max<std::size_t>(count, 1)));
    }
    return mean;
  }

  // Calls use(mel, skip, count) for pieces of the recording that begin and end further out than what is used of their
  // results: `count` of them from number `skip` on, one for two frames.
  template <typename Use>
  void in_pieces(const Mean& mean, std::size_t reach, const Use& use) const {
    static_assert(kPieceFrames % model::kActivityPlace == 0);
    const std::size_t margin = (reach / model::kActivityPlace + 1) * model::kActivityPlace;
    for (std::size_t first = 0; first < frames(); first += kPieceFrames) {
      const std::size_t last = std::min(frames(), first + kPieceFrames);
      const std::size_t from = first - std::min(first, margin);
      const std::size_t to = std::min(frames(), last + margin);
      const std::vector<float> mel = read(from, to, mean);
      use(TensorView<const float>{mel.data(), to - from, kBands}, (first - from) / model::kActivityStride,
          (last - first + 1) / model::kActivityStride);
    }
  }

  std::vector<float> read(std::size_t first, std::size_t last, const Mean& mean) const {
    std::vector<float> mel((last - first) * kBands);
    for (std::size_t i = 0; i < mel.size(); ++i) mel[i] = from_byte(bytes_[first * kBands + i]) - mean[i % kBands];
    return mel;
  }

  const SharedNet& net_;
  audio::MelFrameStream stream_;
  std::vector<float> fresh_;
  std::vector<std::uint8_t> bytes_;
  std::unique_ptr<VoiceDetector> detector_ = make_spectral_detector();
  std::vector<float> voicing_;
  Mean mean_{};
};

class BuiltinEmbedder final : public SpeakerEmbedder {
 public:
  explicit BuiltinEmbedder(device::Backend& backend) : net_(backend) {
    traits_.name = "builtin";
    traits_.kin = fmt::format("builtin {:08x}", fingerprint(net_.net.space()));
    traits_.dimension = model::kVoiceNetWidth;
    traits_.knows_activity = true;
    traits_.merge_similarity = 0.55;
    traits_.same_voice_similarity = 0.65;
    traits_.space = &net_.net.space();
  }

  const EmbedderTraits& traits() const override { return traits_; }

  void embed(std::span<const float> audio, std::span<const EmbedRegion> regions,
             std::vector<float>& vectors) const override {
    MelVoices voices(net_);
    voices.push(audio);
    const SpeechSpan whole{0, audio.size()};
    voices.finish({&whole, 1});
    for (const EmbedRegion& region : regions) {
      if (region.start > region.end || region.end > audio.size()) {
        throw Error(ErrorCode::kInvalidArgument,
                    fmt::format("voice of samples [{}, {}): the audio has {}", region.start, region.end, audio.size()));
      }
      const SpeechSpan span{region.start, region.end};
      voices.embed({&span, 1}, vectors);
    }
  }

  std::unique_ptr<RecordingVoices> listen() const override { return std::make_unique<MelVoices>(net_); }

 private:
  SharedNet net_;
  EmbedderTraits traits_;
};

}  // namespace

std::unique_ptr<SpeakerEmbedder> make_builtin_embedder(device::Backend& backend) {
  return std::make_unique<BuiltinEmbedder>(backend);
}

}  // namespace amanuensis::pipeline
