// Media files to samples: FFmpeg finds the best audio track, decodes it and resamples it to mono float32 at 16 kHz,
// piece by piece, so that a long video never stands in memory. A reader belongs to one thread; readers are independent.
// The samples are those of `ffmpeg -i FILE -f s16le -ac 1 -ar 16000 -` divided by 32768, which is what Whisper was
// trained on and what openai-whisper reads.
// Only the named file is ever opened: a playlist that names other files or addresses is refused.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
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
  // Opens a media file, or standard input for "-". Throws Error naming the file: kNotFound, kInvalidArgument (a folder,
  // a playlist), kIo, kBadData (not media, with what was found instead), kUnsupported (no audio track, with the tracks
  // it has; no decoder for the codec). Once `stop` is requested, this and read() throw Error{kCancelled}, also while
  // they wait for a pipe in which nothing arrives.
  // With a `channel`, from 0, its samples alone instead of a mix of all; read() throws Error{kInvalidArgument} for one
  // that the track does not have.
  explicit AudioReader(const std::filesystem::path& path, std::stop_token stop = {},
                       std::optional<std::size_t> channel = std::nullopt);

  // Reads a media file that is already in memory, which must stay there as long as the reader. `name` is for messages;
  // its extension helps to recognise formats without a signature.
  static AudioReader from_memory(std::span<const std::byte> file, const std::string& name);

  ~AudioReader();
  AudioReader(AudioReader&&) noexcept;
  AudioReader& operator=(AudioReader&&) noexcept;

  const MediaInfo& info() const;

  // Fills `out` with the next samples in [-1, 1); returns how many, fewer than asked only at the end, then 0. Channels
  // are mixed to mono with FFmpeg's weights for the track's layout, or averaged where the layout is unknown. Damaged
  // packets in the middle are skipped and counted; a file that yields no sample at all although it claims some throws
  // Error{kBadData}.
  std::size_t read(std::span<float> out);

  // What was wrong with the part read so far (truncated file, damaged packets); empty when nothing was.
  const std::string& warning() const;

 private:
  struct State;
  explicit AudioReader(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

// The whole file's samples. Throws as AudioReader does.
std::vector<float> read_all_audio(const std::filesystem::path& path);

}  // namespace amanuensis::audio
