// Decoded frames of any rate, format and channel layout to mono 16 kHz. Goes through 16-bit integers, because the
// samples that Whisper is used to did. One reader's, one thread's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "audio/ffmpeg_handles.h"

namespace amanuensis::audio {

class MonoResampler {
 public:
  // `name` is the file's, for messages.
  // With a `channel`, from 0, nothing is mixed: its samples are taken alone.
  explicit MonoResampler(std::string name, std::optional<std::size_t> channel = std::nullopt)
      : name_(std::move(name)), channel_(channel) {}

  // Appends the frame's samples. Throws Error{kUnsupported} for a format that cannot be mixed or resampled.
  void push(const AVFrame& frame, std::vector<float>& out);

  // The same for mono 16-bit samples that come without a frame.
  void push(std::span<const std::int16_t> samples, int rate_hz, std::vector<float>& out);

  // Appends what the filter still holds. A frame pushed later starts a new signal.
  void finish(std::vector<float>& out);

 private:
  // What the resampler is set up for.
  struct Input {
    int rate_hz = 0;
    int format = -1;
    AVChannelLayout layout = {};
    Input() = default;
    ~Input() { av_channel_layout_uninit(&layout); }
    Input(const Input&) = delete;
    Input& operator=(const Input&) = delete;
  };

  bool matches(const AVFrame& frame) const;
  void configure(const AVFrame& frame);
  // Converts `samples` samples, or drains the filter when input is null; how many came out.
  int convert(const AVFrame* frame, std::vector<float>& out);

  std::string name_;
  std::optional<std::size_t> channel_;
  Input input_;
  FfmpegPtr<SwrContext> context_;
  std::vector<std::int16_t> converted_;
};

}  // namespace amanuensis::audio
