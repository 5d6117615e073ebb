// Owners for FFmpeg's objects, and what it says about them. For the .cc files of this room alone.
#pragma once

#include <array>
#include <memory>
#include <string>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswresample/swresample.h>
}

namespace amanuensis::audio {

struct FfmpegFree {
  void operator()(AVFormatContext* context) const { avformat_close_input(&context); }
  void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
  void operator()(SwrContext* context) const { swr_free(&context); }
  void operator()(AVIOContext* context) const {
    av_freep(&context->buffer);
    avio_context_free(&context);
  }
};
template <typename T>
using FfmpegPtr = std::unique_ptr<T, FfmpegFree>;

// Throws std::bad_alloc in place of FFmpeg's null.
template <typename T>
FfmpegPtr<T> owned(T* object) {
  if (object == nullptr) throw std::bad_alloc();
  return FfmpegPtr<T>(object);
}

// What FFmpeg reports about one file. Its address goes into the `opaque` field of the file's contexts, where the log
// callback finds it; nothing reaches stderr. Written by the thread that uses the contexts.
struct FfmpegMessages {
  std::array<char, 256> last_error = {};  // without the newline; empty when there was none
  int demuxer_errors = 0;
  bool wanted_another_file = false;

  // ": " and the last error, or nothing.
  std::string suffix() const { return last_error[0] == '\0' ? "" : std::string(": ") + last_error.data(); }
};

// Takes FFmpeg's log away from stderr, for the whole process. May be called often.
void silence_ffmpeg();

// FFmpeg's words for an error code.
std::string ffmpeg_error(int code);

}  // namespace amanuensis::audio
