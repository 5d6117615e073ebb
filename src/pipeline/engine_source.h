// Where a transcription's samples come from: a media file, or memory. A source belongs to one request and is read by
// one thread at a time.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace amanuensis::pipeline {

class AudioSource {
 public:
  virtual ~AudioSource() = default;

  // Fills `out` with the next samples (mono, 16 kHz); how many, fewer than asked only at the end, then 0.
  virtual std::size_t read(std::span<float> out) = 0;
  // As far as it is known before the end.
  virtual std::optional<double> duration_s() const = 0;
  // What was wrong with what was read; empty when nothing was.
  virtual std::string warning() const = 0;
};

// Opens a source when its request's turn has come. What it throws becomes the request's error.
using AudioSourceOpener = std::function<std::unique_ptr<AudioSource>()>;

// A media file, or standard input for "-"; see audio::AudioReader. Reading ends with Error{kCancelled} once `stop` is
// requested. With a `channel`, that alone.
AudioSourceOpener media_source(std::filesystem::path path, std::stop_token stop = {},
                               std::optional<std::size_t> channel = std::nullopt);
// Samples that the source keeps.
AudioSourceOpener sample_source(std::vector<float> samples);

}  // namespace amanuensis::pipeline
