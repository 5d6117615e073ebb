#include "pipeline/segment/silero_detector.h"

#include <algorithm>

namespace amanuensis::pipeline {
namespace {

static_assert(kVadFrameSamples == model::kSileroChunkSamples);

class SileroDetector final : public VoiceDetector {
 public:
  explicit SileroDetector(const model::SileroVad& network) : network_(network) {}

  std::string_view name() const override { return "silero"; }

  void push(std::span<const float> samples, std::vector<float>& probabilities) override {
    if (!rest_.empty()) {
      const std::size_t count = std::min(samples.size(), kVadFrameSamples - rest_.size());
      rest_.insert(rest_.end(), samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(count));
      samples = samples.subspan(count);
      if (rest_.size() < kVadFrameSamples) return;
      compute(rest_, probabilities);
      rest_.clear();
    }
    const std::size_t whole = samples.size() / kVadFrameSamples * kVadFrameSamples;
    compute(samples.first(whole), probabilities);
    const std::span<const float> rest = samples.subspan(whole);
    rest_.assign(rest.begin(), rest.end());
  }

  void finish(std::vector<float>& probabilities) override {
    if (!rest_.empty()) {
      rest_.resize(kVadFrameSamples, 0.0F);
      compute(rest_, probabilities);
    }
    rest_.clear();
    state_ = {};
  }

 private:
  void compute(std::span<const float> frames, std::vector<float>& probabilities) {
    if (frames.empty()) return;
    const std::size_t have = probabilities.size();
    probabilities.resize(have + frames.size() / kVadFrameSamples);
    const model::SileroInput input{&state_, frames, std::span(probabilities).subspan(have)};
    network_.run({&input, 1});
  }

  const model::SileroVad& network_;
  model::SileroState state_;
  std::vector<float> rest_;  // of an incomplete frame
};

}  // namespace

std::unique_ptr<VoiceDetector> make_silero_detector(const model::SileroVad& network) {
  return std::make_unique<SileroDetector>(network);
}

}  // namespace amanuensis::pipeline
