// An opened media file: its container, the audio track to read and that track's decoder. One reader's, one thread's.
#pragma once

#include <memory>
#include <string>

#include "audio/byte_source.h"
#include "audio/decode.h"
#include "audio/ffmpeg_handles.h"

namespace amanuensis::audio {

class MediaInput {
 public:
  // Finds out what the bytes are and opens them. `url` is the path as given, for formats known by extension alone.
  // Throws as AudioReader's constructor does.
  MediaInput(std::unique_ptr<ByteSource> source, const std::string& url, std::string name);

  const std::string& name() const { return name_; }
  const MediaInfo& info() const { return info_; }
  const FfmpegMessages& messages() const { return messages_; }

  // How long the audio track is by its own header, when that can be relied on.
  std::optional<double> promised_duration_s() const;

  // Whether the file begins like text, whatever its name makes of it.
  bool is_text() const { return is_text_; }
  // How many bytes of the size in its own header a WAV file lacks.
  std::int64_t missing_bytes() const { return missing_bytes_; }

  // The next decoded frame of the audio track; null at the end. Valid until the next call.
  const AVFrame* next_frame();

  int damaged_packets() const { return damaged_packets_; }
  // The system's or FFmpeg's reason for an end before the end of the file; empty after a clean one.
  const std::string& read_error() const { return read_error_; }

 private:
  void inspect_head();
  void open_container(const std::string& url);
  [[noreturn]] void throw_damaged(const char* format, int code) const;
  void choose_track();
  void open_decoder();
  // Gives the decoder its next packet, or its end.
  void feed_decoder();
  std::string tracks() const;

  std::string name_;
  FfmpegMessages messages_;
  std::unique_ptr<ByteSource> source_;
  FfmpegPtr<AVIOContext> io_;
  FfmpegPtr<AVFormatContext> container_;  // uses io_, which uses source_: destroyed in that order
  FfmpegPtr<AVCodecContext> decoder_;
  FfmpegPtr<AVPacket> packet_;
  FfmpegPtr<AVFrame> frame_;
  const AVCodec* codec_ = nullptr;
  AVStream* track_ = nullptr;
  MediaInfo info_;
  int damaged_packets_ = 0;
  std::string read_error_;
  bool draining_ = false;
  bool is_text_ = false;
  std::int64_t missing_bytes_ = 0;
};

}  // namespace amanuensis::audio
