#include "audio/media_input.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace amanuensis::audio {
namespace {

constexpr int kIoBufferBytes = 64 * 1024;

int read_bytes(void* opaque, std::uint8_t* buffer, int size) {
  const std::ptrdiff_t count =
      static_cast<ByteSource*>(opaque)->read({buffer, static_cast<std::size_t>(std::max(size, 0))});
  if (count == 0) return AVERROR_EOF;
  return count < 0 ? AVERROR(static_cast<int>(-count)) : static_cast<int>(count);
}

// FFmpeg's I/O layer asks with absolute positions only, or for the size.
std::int64_t seek_bytes(void* opaque, std::int64_t offset, int whence) {
  auto* source = static_cast<ByteSource*>(opaque);
  if ((whence & AVSEEK_SIZE) != 0) return source->size_bytes().value_or(AVERROR(ENOSYS));
  if ((whence & ~AVSEEK_FORCE) != SEEK_SET) return AVERROR(EINVAL);
  return source->seek(offset) ? offset : AVERROR(EINVAL);
}

// Playlists and the like want to open more files, on this machine or elsewhere: a recording has no business doing so.
int refuse_to_open(AVFormatContext* context, AVIOContext** /*io*/, const char* /*url*/, int /*flags*/,
                   AVDictionary** /*options*/) {
  if (context->opaque != nullptr) static_cast<FfmpegMessages*>(context->opaque)->wanted_another_file = true;
  return AVERROR(EPERM);
}

// Formats that hold nothing themselves but name what to play.
bool is_playlist(const AVInputFormat& format) {
  constexpr std::array<std::string_view, 8> kPlaylists = {"hls", "hls,applehttp", "applehttp", "dash",
                                                          "imf", "concat",        "sdp",       "rtsp"};
  return std::ranges::find(kPlaylists, std::string_view(format.name)) != kPlaylists.end();
}

// Only letters, digits, punctuation and white space, or bytes of other alphabets.
bool looks_like_text(std::span<const std::uint8_t> head) {
  return !head.empty() && std::ranges::all_of(head, [](std::uint8_t byte) {
    return byte >= 0x80 || (byte >= 0x20 && byte != 0x7F) || byte == '\t' || byte == '\n' || byte == '\r';
  });
}

// The file size that a RIFF header promises; 0 when it promises none. Programs that write to a pipe leave a number so
// large that it means "unknown".
std::int64_t promised_riff_bytes(std::span<const std::uint8_t> head) {
  constexpr std::int64_t kUnknown = 0x7FFF0000;
  constexpr std::int64_t kChunkHeaderBytes = 8;
  if (head.size() < 12 || std::memcmp(head.data(), "RIFF", 4) != 0 || std::memcmp(head.data() + 8, "WAVE", 4) != 0) {
    return 0;
  }
  std::int64_t size = 0;
  for (std::size_t i = 8; i-- > 4;) size = size * 256 + head[i];
  return size < kUnknown ? size + kChunkHeaderBytes : 0;
}

FfmpegPtr<AVIOContext> make_io(ByteSource& source) {
  auto* buffer = static_cast<unsigned char*>(av_malloc(kIoBufferBytes));
  if (buffer == nullptr) throw std::bad_alloc();
  const bool can_seek = source.size_bytes().has_value();
  AVIOContext* io =
      avio_alloc_context(buffer, kIoBufferBytes, 0, &source, read_bytes, nullptr, can_seek ? seek_bytes : nullptr);
  if (io == nullptr) av_free(buffer);
  return owned(io);
}

std::string codec_name(const AVStream& stream) {
  return stream.codecpar->codec_id == AV_CODEC_ID_NONE ? "unknown" : avcodec_get_name(stream.codecpar->codec_id);
}

// The ffmpeg program's choice, so that files with several tracks give the same one: the default track, else that with
// the most channels; the first of equals.
int track_score(const AVStream& stream) {
  constexpr int kHasPackets = 100'000'000;
  constexpr int kIsDefault = 5'000'000;
  return stream.codecpar->ch_layout.nb_channels +
         ((stream.event_flags & AVSTREAM_EVENT_FLAG_NEW_PACKETS) != 0 ? kHasPackets : 0) +
         ((stream.disposition & AV_DISPOSITION_DEFAULT) != 0 ? kIsDefault : 0);
}

}  // namespace

MediaInput::MediaInput(std::unique_ptr<ByteSource> source, const std::string& url, std::string name)
    : name_(std::move(name)),
      source_(std::move(source)),
      io_(make_io(*source_)),
      packet_(owned(av_packet_alloc())),
      frame_(owned(av_frame_alloc())) {
  silence_ffmpeg();
  inspect_head();
  open_container(url);
  choose_track();
  open_decoder();
}

// What FFmpeg does not tell, seen before it begins to read. A pipe cannot be read twice, and goes without.
void MediaInput::inspect_head() {
  if (!source_->size_bytes()) return;
  std::array<std::uint8_t, 512> buffer = {};
  const std::ptrdiff_t count = source_->read(buffer);
  if (count < 0 || !source_->seek(0)) {
    throw Error(ErrorCode::kIo,
                fmt::format("{}: cannot read: {}", name_, ffmpeg_error(AVERROR(static_cast<int>(-count)))));
  }
  const auto head = std::span(buffer).first(static_cast<std::size_t>(count));
  is_text_ = looks_like_text(head);
  missing_bytes_ = std::max<std::int64_t>(0, promised_riff_bytes(head) - *source_->size_bytes());
}

void MediaInput::throw_damaged(const char* format, int code) const {
  if (is_text_) throw Error(ErrorCode::kBadData, fmt::format("{}: is a text file, not a media file", name_));
  const std::string reason = messages_.last_error[0] != '\0' ? messages_.suffix() : ": " + ffmpeg_error(code);
  const bool lacks_index = reason.find("moov atom not found") != std::string::npos;
  throw Error(
      ErrorCode::kBadData,
      fmt::format("{}: is damaged, or not the {} file it looks like{}{}", name_, format, reason,
                  lacks_index ? " (the index is missing: cut off before its end, or still being written?)" : ""));
}

void MediaInput::open_container(const std::string& url) {
  const AVInputFormat* format = nullptr;
  const int probed = av_probe_input_buffer2(io_.get(), &format, url.c_str(), nullptr, 0, 0);
  if (io_->error < 0 && io_->error != AVERROR_EOF) {
    throw Error(ErrorCode::kIo, fmt::format("{}: cannot read: {}", name_, ffmpeg_error(io_->error)));
  }
  // "tty" is what FFmpeg calls text with a text file's name: it would draw it as a video.
  if (probed < 0 || format == nullptr || std::string_view(format->name) == "tty") {
    throw Error(ErrorCode::kBadData,
                fmt::format("{}: is {}", name_,
                            is_text_ ? "a text file, not a media file" : "not a media file of any known format"));
  }
  if (is_playlist(*format)) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("{}: is a playlist ({}), which only names other files; give those files themselves", name_,
                            format->name));
  }
  AVFormatContext* context = avformat_alloc_context();
  if (context == nullptr) throw std::bad_alloc();
  context->pb = io_.get();
  context->opaque = &messages_;
  context->io_open = refuse_to_open;
  // No protocol is called "none": what does not ask io_open is refused by name.
  context->protocol_whitelist = av_strdup("none");
  const int opened = avformat_open_input(&context, url.c_str(), format, nullptr);  // frees the context when it fails
  if (opened < 0) {
    if (messages_.wanted_another_file) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("{}: names other files, which are not opened; give those files themselves", name_));
    }
    throw_damaged(format->long_name, opened);
  }
  container_.reset(context);
  const int found = avformat_find_stream_info(context, nullptr);
  if (found < 0) {
    throw Error(ErrorCode::kBadData, fmt::format("{}: cannot make out its tracks: {}", name_, ffmpeg_error(found)));
  }
}

std::string MediaInput::tracks() const {
  std::map<std::string, std::vector<std::string>> codecs_of_kind;
  for (unsigned i = 0; i < container_->nb_streams; ++i) {
    const AVStream& stream = *container_->streams[i];
    const char* kind = av_get_media_type_string(stream.codecpar->codec_type);
    const bool is_picture = (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
    codecs_of_kind[is_picture ? "picture" : kind != nullptr ? kind : "unknown"].push_back(codec_name(stream));
  }
  if (codecs_of_kind.empty()) return "no tracks at all";
  std::string text;
  for (const auto& [kind, codecs] : codecs_of_kind) {
    text += fmt::format("{}{} {} stream{}, {}", text.empty() ? "" : "; ", codecs.size(), kind,
                        codecs.size() == 1 ? "" : "s", fmt::join(codecs, ", "));
  }
  return text;
}

void MediaInput::choose_track() {
  const AVStream* undecodable = nullptr;
  for (unsigned i = 0; i < container_->nb_streams; ++i) {
    AVStream* stream = container_->streams[i];
    stream->discard = AVDISCARD_ALL;
    if (stream->codecpar->codec_type != AVMEDIA_TYPE_AUDIO) continue;
    const AVCodec* codec = avcodec_find_decoder(stream->codecpar->codec_id);
    if (codec == nullptr) {
      undecodable = stream;
    } else if (track_ == nullptr || track_score(*stream) > track_score(*track_)) {
      track_ = stream;
      codec_ = codec;
    }
  }
  if (track_ == nullptr && undecodable != nullptr) {
    throw Error(ErrorCode::kUnsupported,
                fmt::format("{}: its audio track is coded as {}, for which the installed FFmpeg has no decoder", name_,
                            codec_name(*undecodable)));
  }
  if (track_ == nullptr) {
    throw Error(ErrorCode::kUnsupported, fmt::format("{}: no audio track ({})", name_, tracks()));
  }
  track_->discard = AVDISCARD_DEFAULT;
  info_.container = container_->iformat->name;
  info_.codec = codec_name(*track_);
  info_.sample_rate_hz = track_->codecpar->sample_rate;
  info_.channels = track_->codecpar->ch_layout.nb_channels;
  if (track_->duration != AV_NOPTS_VALUE && track_->duration >= 0) {
    info_.duration_s = static_cast<double>(track_->duration) * av_q2d(track_->time_base);
  } else if (container_->duration != AV_NOPTS_VALUE && container_->duration >= 0) {
    info_.duration_s = static_cast<double>(container_->duration) / AV_TIME_BASE;
  }
}

void MediaInput::open_decoder() {
  decoder_ = owned(avcodec_alloc_context3(codec_));
  if (avcodec_parameters_to_context(decoder_.get(), track_->codecpar) < 0) throw std::bad_alloc();
  decoder_->pkt_timebase = track_->time_base;
  decoder_->opaque = &messages_;
  decoder_->thread_count = 1;
  const int opened = avcodec_open2(decoder_.get(), codec_, nullptr);
  if (opened < 0) {
    throw Error(ErrorCode::kBadData, fmt::format("{}: cannot decode its {} track: {}{}", name_, info_.codec,
                                                 ffmpeg_error(opened), messages_.suffix()));
  }
  messages_ = {};  // what probing complained about and got over is nobody's business
}

std::optional<double> MediaInput::promised_duration_s() const {
  if (container_->duration_estimation_method != AVFMT_DURATION_FROM_STREAM) return std::nullopt;
  // Matroska and others know only how long the longest track is.
  const bool is_alone = container_->nb_streams == 1;
  const bool is_per_track = std::string_view(container_->iformat->name).starts_with("mov,");
  return is_alone || is_per_track ? info_.duration_s : std::nullopt;
}

void MediaInput::feed_decoder() {
  const int got = av_read_frame(container_.get(), packet_.get());
  if (got == AVERROR(EAGAIN)) return;
  if (got < 0) {
    if (got != AVERROR_EOF) read_error_ = ffmpeg_error(got);
    if (read_error_.empty() && io_->error < 0 && io_->error != AVERROR_EOF) read_error_ = ffmpeg_error(io_->error);
    draining_ = true;
    avcodec_send_packet(decoder_.get(), nullptr);
    return;
  }
  if (packet_->stream_index == track_->index) {
    if (avcodec_send_packet(decoder_.get(), packet_.get()) < 0) ++damaged_packets_;
  }
  av_packet_unref(packet_.get());
}

const AVFrame* MediaInput::next_frame() {
  while (true) {
    const int got = avcodec_receive_frame(decoder_.get(), frame_.get());
    if (got >= 0) return frame_.get();
    if (got == AVERROR_EOF || (draining_ && got == AVERROR(EAGAIN))) return nullptr;
    if (got != AVERROR(EAGAIN)) ++damaged_packets_;
    if (!draining_) feed_decoder();
  }
}

}  // namespace amanuensis::audio
