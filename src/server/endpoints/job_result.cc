// GET /v1/jobs/{id}/result and /v1/jobs/{id}/audio. Documented in docs/api/jobs.md.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <memory>
#include <nlohmann/json.hpp>

#include "server/endpoints/endpoints.h"
#include "server/endpoints/job_endpoint.h"
#include "server/http/http_error.h"
#include "server/transcript/transcript_json.h"

namespace amanuensis::server {
namespace {

constexpr std::size_t kPieceBytes = 256 * 1024;

struct ResultFormat {
  std::string_view name;
  std::string_view writer;  // pipeline's; empty: JSON of our own
  std::string_view type;
  std::string_view extension;
};
constexpr std::array<ResultFormat, 6> kFormats{{
    {"json", "", "application/json", "json"},
    {"verbose_json", "", "application/json", "json"},
    {"text", "txt", "text/plain; charset=utf-8", "txt"},
    {"srt", "srt", "application/x-subrip; charset=utf-8", "srt"},
    {"vtt", "vtt", "text/vtt; charset=utf-8", "vtt"},
    {"tsv", "tsv", "text/tab-separated-values; charset=utf-8", "tsv"},
}};

const ResultFormat& read_format(const Request& request) {
  const std::string asked = request.query_value("format").value_or("json");
  for (const ResultFormat& format : kFormats) {
    if (format.name == asked || format.writer == asked) return format;
  }
  throw bad_field("format",
                  fmt::format("format '{}' is none of json, verbose_json, text, srt, vtt, tsv", asked.substr(0, 60)));
}

// For Content-Disposition: plain characters, and the whole name in UTF-8 (RFC 6266).
std::string disposition(const std::string& name) {
  std::string plain;
  std::string escaped;
  for (const unsigned char c : name) {
    const bool simple = std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
    plain += simple || c == ' ' ? static_cast<char>(c) : '_';
    escaped += simple ? std::string(1, static_cast<char>(c)) : fmt::format("%{:02X}", c);
  }
  return fmt::format("attachment; filename=\"{}\"; filename*=UTF-8''{}", plain, escaped);
}

std::string stem_of(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string::npos || dot == 0 ? name : name.substr(0, dot);
}

std::string_view audio_type(const std::string& file) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 13> kTypes{{{".mp3", "audio/mpeg"},
                                                                                  {".wav", "audio/wav"},
                                                                                  {".flac", "audio/flac"},
                                                                                  {".ogg", "audio/ogg"},
                                                                                  {".oga", "audio/ogg"},
                                                                                  {".opus", "audio/ogg"},
                                                                                  {".m4a", "audio/mp4"},
                                                                                  {".aac", "audio/aac"},
                                                                                  {".mp4", "video/mp4"},
                                                                                  {".webm", "audio/webm"},
                                                                                  {".mkv", "video/x-matroska"},
                                                                                  {".mov", "video/quicktime"},
                                                                                  {".avi", "video/x-msvideo"}}};
  for (const auto& [extension, type] : kTypes) {
    if (file.ends_with(extension)) return type;
  }
  return "application/octet-stream";
}

struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

// The one range of "bytes=a-b", "bytes=a-" or "bytes=-n"; nothing for what is to be ignored (RFC 9110, section 14).
// Throws HttpError 416.
std::optional<ByteRange> read_range(std::string_view header, std::uint64_t size) {
  if (!header.starts_with("bytes=") || header.find(',') != std::string_view::npos) return std::nullopt;
  header.remove_prefix(6);
  const std::size_t dash = header.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto number = [](std::string_view text) -> std::optional<std::uint64_t> {
    std::uint64_t value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return value;
  };
  const auto from = number(header.substr(0, dash));
  const auto to = number(header.substr(dash + 1));
  if (!from && !to) return std::nullopt;
  ByteRange range{.first = from.value_or(size - std::min(size, to.value_or(0))), .last = size - 1};
  if (from && to) range.last = std::min(size - 1, *to);
  if (size == 0 || range.first >= size || range.last < range.first) {
    throw HttpError({.status = 416,
                     .message = fmt::format("the recording has {} bytes", size),
                     .code = "invalid_range",
                     .headers = {{"content-range", fmt::format("bytes */{}", size)}}});
  }
  return range;
}

// An open file, read piece by piece.
struct OpenFile {
  explicit OpenFile(int number) : descriptor(number) {}
  ~OpenFile() { ::close(descriptor); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int descriptor;
};

Task<void> stream_file(Worker& disk, std::shared_ptr<OpenFile> file, ByteRange range, Sink& sink) {
  std::string piece;
  for (std::uint64_t at = range.first; at <= range.last;) {
    const auto read = [&] {
      piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kPieceBytes, range.last - at + 1)));
      const ssize_t got = ::pread(file->descriptor, piece.data(), piece.size(), static_cast<off_t>(at));
      piece.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    };
    co_await disk.run(read);
    if (piece.empty()) co_return;
    at += piece.size();
    const bool written = co_await sink.write(piece);
    if (!written) co_return;
  }
}

}  // namespace

Task<Response> get_job_result(Service& service, Request& request) {
  const ResultFormat& format = read_format(request);
  const JobRecord job = co_await named_job(service, request);
  if (job.status != WorkStatus::kDone) {
    throw HttpError({.status = 409,
                     .message = fmt::format("the job is {}: there is no result", to_string(job.status)),
                     .code = "job_not_done"});
  }
  const std::optional<std::string> stored = co_await service.jobs.transcript(job.id);
  const pipeline::Transcript transcript = parse_full_json(stored.value_or(""));
  std::string body;
  if (!format.writer.empty()) {
    body = written(transcript, format.writer);
  } else if (format.name == "json") {
    nlohmann::ordered_json json = {{"id", job.id}};
    json.update(nlohmann::ordered_json::parse(*stored));
    body = json.dump();
  } else {
    const bool translated = job.options.find(R"("task":"translate")") != std::string::npos;
    body = openai_verbose_json(transcript,
                               {.segments = true, .words = true, .task = translated ? "translate" : "transcribe"});
  }
  Response response = text_response(std::move(body), format.type);
  if (request.query_value("download") == "1") {
    response.headers["content-disposition"] = disposition(fmt::format("{}.{}", stem_of(job.name), format.extension));
  }
  co_return response;
}

Task<Response> get_job_audio(Service& service, Request& request) {
  const JobRecord job = co_await named_job(service, request);
  const std::filesystem::path recording = co_await service.jobs.audio_file(job);
  std::uint64_t size = 0;
  const auto open = [&]() -> std::shared_ptr<OpenFile> {
    if (recording.empty()) return nullptr;
    const int descriptor = ::open(recording.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0) return nullptr;
    auto file = std::make_shared<OpenFile>(descriptor);
    struct stat facts {};
    if (fstat(descriptor, &facts) != 0) return nullptr;
    size = static_cast<std::uint64_t>(facts.st_size);
    return file;
  };
  const std::shared_ptr<OpenFile> file = co_await service.disk.run(open);
  if (!file) {
    throw HttpError({.status = 404, .message = "the job's recording is not kept", .code = "audio_not_kept"});
  }
  Response response;
  response.headers = {{"content-type", std::string(audio_type(job.audio))},
                      {"accept-ranges", "bytes"},
                      {"cache-control", "private, max-age=3600"},
                      // A recording is what a stranger has sent: it is never a page of ours.
                      {"content-security-policy", "default-src 'none'; sandbox"}};
  if (request.query_value("download") == "1") response.headers["content-disposition"] = disposition(job.name);
  ByteRange range{.first = 0, .last = size == 0 ? 0 : size - 1};
  if (const auto asked = read_range(request.header("range"), size)) {
    range = *asked;
    response.status = 206;
    response.headers["content-range"] = fmt::format("bytes {}-{}/{}", range.first, range.last, size);
  }
  if (size == 0) co_return response;
  response.stream_bytes = range.last - range.first + 1;
  response.stream = [&disk = service.disk, file, range](Sink& sink) -> Task<void> {
    return stream_file(disk, file, range, sink);
  };
  co_return response;
}

}  // namespace amanuensis::server
