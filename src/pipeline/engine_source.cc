#include "pipeline/engine_source.h"

#include <algorithm>
#include <utility>

#include "audio/decode.h"

namespace amanuensis::pipeline {

namespace {

class MediaSource final : public AudioSource {
 public:
  MediaSource(const std::filesystem::path& path, std::stop_token stop, std::optional<std::size_t> channel)
      : reader_(path, std::move(stop), channel) {}
  std::size_t read(std::span<float> out) override { return reader_.read(out); }
  std::optional<double> duration_s() const override { return reader_.info().duration_s; }
  std::string warning() const override { return reader_.warning(); }

 private:
  audio::AudioReader reader_;
};

class SampleSource final : public AudioSource {
 public:
  explicit SampleSource(std::shared_ptr<const std::vector<float>> samples) : samples_(std::move(samples)) {}
  std::size_t read(std::span<float> out) override {
    const std::size_t count = std::min(out.size(), samples_->size() - next_);
    std::copy_n(samples_->begin() + static_cast<std::ptrdiff_t>(next_), count, out.begin());
    next_ += count;
    return count;
  }
  std::optional<double> duration_s() const override {
    return static_cast<double>(samples_->size()) / audio::kSampleRateHz;
  }
  std::string warning() const override { return {}; }

 private:
  std::shared_ptr<const std::vector<float>> samples_;
  std::size_t next_ = 0;
};

}  // namespace

AudioSourceOpener media_source(std::filesystem::path path, std::stop_token stop, std::optional<std::size_t> channel) {
  return [path = std::move(path), stop = std::move(stop), channel] {
    return std::make_unique<MediaSource>(path, stop, channel);
  };
}

AudioSourceOpener sample_source(std::vector<float> samples) {
  return [kept = std::make_shared<const std::vector<float>>(std::move(samples))] {
    return std::make_unique<SampleSource>(kept);
  };
}

}  // namespace amanuensis::pipeline
