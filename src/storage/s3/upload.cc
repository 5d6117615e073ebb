#include "storage/s3/upload.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <system_error>
#include <vector>

#include "base/error.h"

namespace amanuensis::storage {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
// "Amazon S3 multipart upload limits" of the S3 user guide.
constexpr std::uint64_t kSmallestPart = 5 * kMiB;
constexpr std::uint64_t kLargestPart = 5120 * kMiB;
constexpr std::uint64_t kMostParts = 10'000;

// A file that is read from its beginning to its end and should not change meanwhile.
class Source {
 public:
  explicit Source(const std::filesystem::path& path)
      : path_(path), descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) throw_failed();
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) throw_failed();
    if (!S_ISREG(status.st_mode)) {
      throw Error(ErrorCode::kInvalidArgument, fmt::format("{}: is no ordinary file", path_.string()));
    }
    size_bytes_ = static_cast<std::uint64_t>(status.st_size);
  }
  ~Source() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  std::uint64_t size_bytes() const { return size_bytes_; }

  // The next bytes, exactly so many.
  void read(std::string& bytes, std::uint64_t count) const {
    bytes.resize(count);
    std::size_t filled = 0;
    while (filled < count) {
      const ssize_t got = ::read(descriptor_, bytes.data() + filled, count - filled);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw_failed();
      if (got == 0) throw_changed();
      filled += static_cast<std::size_t>(got);
    }
  }

  void throw_if_changed() const {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) throw_failed();
    if (static_cast<std::uint64_t>(status.st_size) != size_bytes_) throw_changed();
  }

 private:
  [[noreturn]] void throw_failed() const {
    throw Error(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                fmt::format("{}: cannot be read: {}", path_.string(), std::generic_category().message(errno)));
  }
  [[noreturn]] void throw_changed() const {
    throw Error(ErrorCode::kBadData,
                fmt::format("{}: changed while it was sent; try again when it is complete", path_.string()));
  }

  std::filesystem::path path_;
  int descriptor_;
  std::uint64_t size_bytes_ = 0;
};

// One upload in parts. Without complete() what was sent is taken back.
class PartedUpload {
 public:
  PartedUpload(S3Client& client, const std::string& key, const TransferOptions& options)
      : client_(client), key_(key), options_(options) {
    const HttpAnswer answer = client_.send(
        {.doing = "beginning an upload", .method = "POST", .key = key_, .query = {{"uploads", ""}}}, options_.stop);
    id_ = parse_upload_id(answer.body);
  }

  void send(std::string_view part) {
    const std::string number = std::to_string(etags_.size() + 1);
    const HttpAnswer answer = client_.send({.doing = "sending part " + number,
                                            .method = "PUT",
                                            .key = key_,
                                            .query = {{"partNumber", number}, {"uploadId", id_}},
                                            .body = part,
                                            .on_sent =
                                                [&](std::uint64_t bytes) {
                                                  if (options_.on_bytes) options_.on_bytes(sent_ + bytes);
                                                }},
                                           options_.stop);
    etags_.push_back(plain_etag(answer.header("etag")));
    if (etags_.back().empty()) {
      throw Error(ErrorCode::kBadData,
                  fmt::format("{}: the server took part {} and gave no ETag", client_.address(key_), number));
    }
    sent_ += part.size();
  }

  void complete() {
    const std::string body = complete_upload_xml(etags_);
    int tries = 0;
    const HttpAnswer answer = client_.send({.doing = "ending an upload",
                                            .method = "POST",
                                            .key = key_,
                                            .query = {{"uploadId", id_}},
                                            .body = body,
                                            .accepted = {404}},
                                           options_.stop, &tries);
    if (answer.ok()) return;
    // When the answer to an earlier try was lost, the upload may be gone because it was ended.
    if (tries > 1 && exists_whole()) return;
    throw client_.explain({.doing = "ending an upload", .key = key_}, answer);
  }

  // False when the parts may still be there.
  bool abort() const noexcept {
    try {
      const S3Request request{
          .doing = "aborting an upload", .method = "DELETE", .key = key_, .query = {{"uploadId", id_}}};
      for (int tries = 0; tries < 2; ++tries) {
        const int status = client_.try_once(request, {}).status;
        if ((status >= 200 && status < 300) || status == 404) return true;
      }
    } catch (const std::exception&) {
      return false;  // the caller throws what led here
    }
    return false;
  }

 private:
  bool exists_whole() const {
    const HttpAnswer answer =
        client_.send({.doing = "looking", .method = "HEAD", .key = key_, .accepted = {404}}, options_.stop);
    return answer.ok() && answer.header("content-length") == std::to_string(sent_);
  }

  S3Client& client_;
  const std::string& key_;
  const TransferOptions& options_;
  std::string id_;
  std::vector<std::string> etags_;
  std::uint64_t sent_ = 0;
};

}  // namespace

std::uint64_t part_size(const S3Settings& settings, std::uint64_t object_bytes) {
  const std::uint64_t needed = (object_bytes + kMostParts - 1) / kMostParts;
  const std::uint64_t wanted = std::clamp(std::max(settings.part_bytes, needed), kSmallestPart, kLargestPart);
  return (wanted + kMiB - 1) / kMiB * kMiB;
}

void upload_bytes(S3Client& client, const std::string& key, std::string_view bytes, const TransferOptions& options) {
  client.send({.doing = "writing", .method = "PUT", .key = key, .body = bytes, .on_sent = options.on_bytes},
              options.stop);
}

void upload_file(S3Client& client, const std::string& key, const std::filesystem::path& source,
                 const TransferOptions& options) {
  const Source file(source);
  const S3Settings& settings = client.settings().s3;
  std::string piece;
  if (file.size_bytes() <= settings.multipart_from_bytes) {
    file.read(piece, file.size_bytes());
    file.throw_if_changed();
    upload_bytes(client, key, piece, options);
    return;
  }
  const std::uint64_t part_bytes = part_size(settings, file.size_bytes());
  PartedUpload upload(client, key, options);
  try {
    for (std::uint64_t at = 0; at < file.size_bytes(); at += part_bytes) {
      file.read(piece, std::min(part_bytes, file.size_bytes() - at));
      upload.send(piece);
    }
    file.throw_if_changed();
    upload.complete();
  } catch (const Error& error) {
    if (upload.abort()) throw;
    throw Error(error.code(), fmt::format("{}; parts that were sent could not be removed, and a lifecycle rule for "
                                          "incomplete uploads is what clears them",
                                          error.what()));
  } catch (...) {
    upload.abort();
    throw;
  }
}

}  // namespace amanuensis::storage
