#include "pipeline/diarize/speaker_embedder.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace amanuensis::pipeline {
namespace {

// Keeps the audio as 16-bit samples.
class KeptAudio final : public RecordingVoices {
 public:
  explicit KeptAudio(const SpeakerEmbedder& embedder) : embedder_(embedder) {}

  void push(std::span<const float> samples) override {
    samples_.reserve(samples_.size() + samples.size());
    for (const float x : samples) {
      samples_.push_back(static_cast<std::int16_t>(std::lround(std::clamp(x, -1.0F, 1.0F) * 32767.0F)));
    }
  }
  void finish(std::span<const SpeechSpan> /*speech*/) override {}

  void embed(std::span<const SpeechSpan> regions, std::vector<float>& vectors) const override {
    std::vector<float> audio;
    for (const SpeechSpan& region : regions) {
      audio.clear();
      for (std::size_t i = region.start; i < std::min(region.end, samples_.size()); ++i) {
        audio.push_back(static_cast<float>(samples_[i]) / 32767.0F);
      }
      const EmbedRegion whole{.start = 0, .end = audio.size()};
      embedder_.embed(audio, {&whole, 1}, vectors);
    }
  }

  std::vector<float> voice(std::span<const SpeechSpan> regions) const override {
    std::vector<float> vectors;
    embed(regions, vectors);
    const std::size_t width = embedder_.traits().dimension;
    std::vector<float> sum(width);
    for (std::size_t i = 0; i < regions.size(); ++i) {
      const auto weight = static_cast<float>(regions[i].size());
      for (std::size_t c = 0; c < width; ++c) sum[c] += weight * vectors[i * width + c];
    }
    float norm = 0;
    for (const float x : sum) norm += x * x;
    if (!(norm > 0)) return {};
    for (float& x : sum) x /= std::sqrt(norm);
    return sum;
  }

 private:
  const SpeakerEmbedder& embedder_;
  std::vector<std::int16_t> samples_;
};

}  // namespace

std::unique_ptr<RecordingVoices> SpeakerEmbedder::listen() const { return std::make_unique<KeptAudio>(*this); }

}  // namespace amanuensis::pipeline
