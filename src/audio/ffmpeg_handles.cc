#include "audio/ffmpeg_handles.h"

#include <cstdarg>
#include <cstdio>
#include <cstring>

extern "C" {
#include <libavutil/log.h>
}

namespace amanuensis::audio {
namespace {

// Called from C: must not throw.
void on_message(void* context, int level, const char* format, va_list arguments) noexcept {
  if (context == nullptr || level > AV_LOG_ERROR) return;
  const AVClass* kind = *static_cast<const AVClass**>(context);
  const bool is_demuxer = kind == avformat_get_class();
  if (kind == nullptr || (!is_demuxer && kind != avcodec_get_class())) return;
  auto* messages = static_cast<FfmpegMessages*>(is_demuxer ? static_cast<AVFormatContext*>(context)->opaque
                                                           : static_cast<AVCodecContext*>(context)->opaque);
  if (messages == nullptr) return;
  if (is_demuxer) ++messages->demuxer_errors;
  std::vsnprintf(messages->last_error.data(), messages->last_error.size(), format, arguments);
  messages->last_error[std::strcspn(messages->last_error.data(), "\r\n")] = '\0';
}

}  // namespace

void silence_ffmpeg() {
  static const bool done = [] {
    av_log_set_callback(on_message);
    return true;
  }();
  static_cast<void>(done);
}

std::string ffmpeg_error(int code) {
  std::array<char, AV_ERROR_MAX_STRING_SIZE> text = {};
  av_strerror(code, text.data(), text.size());
  return text.data();
}

}  // namespace amanuensis::audio
