// Media files to samples: FFmpeg finds the first audio track, decodes it and resamples it to mono float32 at 16 kHz,
// piece by piece, so that a long video never stands in memory. A reader belongs to one thread.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace amanuensis::audio {

inline constexpr int kSampleRateHz = 16000;

struct MediaInfo {
  std::string container;   // "mov,mp4,m4a,3gp,3g2,mj2"
  std::string codec;       // "aac"
  int sample_rate_hz = 0;  // of the file, before resampling
  int channels = 0;
  std::optional<double> duration_s;  // as the container says; absent for streams
};

class AudioReader {
 public:
  // Opens a media file, or standard input for "-". Throws Error naming the file: kNotFound, kIo, kBadData (not media,
  // with what was found instead), kUnsupported (no audio track, with the tracks it has; no decoder for the codec).
  explicit AudioReader(const std::filesystem::path& path);
  ~AudioReader();
  AudioReader(AudioReader&&) noexcept;
  AudioReader& operator=(AudioReader&&) noexcept;

  const MediaInfo& info() const;

  // Fills `out` with the next samples in [-1, 1]; returns how many, 0 at the end. Channels are mixed to mono by
  // averaging, as `ffmpeg -ac 1` does. Damaged packets in the middle are skipped and counted; a file that yields no
  // sample at all although it claims some throws Error{kBadData}.
  std::size_t read(std::span<float> out);

  // What was wrong with the part read so far (truncated file, damaged packets); empty when nothing was.
  const std::string& warning() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The whole file's samples. Throws as AudioReader does.
std::vector<float> read_all_audio(const std::filesystem::path& path);

}  // namespace amanuensis::audio
