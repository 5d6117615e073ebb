#include "model/hub/download.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "model/hub/hashing.h"

namespace amanuensis::model {
namespace {

namespace fs = std::filesystem;

// The growing <hash>.incomplete file.
class PartialFile {
 public:
  explicit PartialFile(fs::path path)
      : path_(std::move(path)), descriptor_(open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    if (descriptor_ < 0) throw_file_error(path_, "cannot be created", errno);
    struct stat status {};
    if (fstat(descriptor_, &status) == 0) size_bytes_ = static_cast<std::uint64_t>(status.st_size);
  }
  ~PartialFile() { close(descriptor_); }
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  std::uint64_t size_bytes() const { return size_bytes_; }
  const fs::path& path() const { return path_; }

  void truncate() {
    if (ftruncate(descriptor_, 0) != 0) throw_file_error(path_, "cannot be written", errno);
    size_bytes_ = 0;
  }
  void append(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t written = pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(size_bytes_));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) throw_file_error(path_, "cannot be written", errno);
      size_bytes_ += static_cast<std::uint64_t>(written);
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
  }
  // On disk before the rename, so that a power cut cannot leave a complete name with incomplete content.
  void flush() const {
    if (fsync(descriptor_) != 0) throw_file_error(path_, "cannot be written", errno);
  }

 private:
  fs::path path_;
  int descriptor_;
  std::uint64_t size_bytes_ = 0;
};

FileLock wait_for_lock(const fs::path& path, const std::stop_token& stop) {
  for (;;) {
    if (std::optional<FileLock> lock = FileLock::try_lock(path)) return std::move(*lock);
    HubSettings pause;
    pause.retry_wait = std::chrono::milliseconds(100);
    wait_before_retry(pause, 0, stop);
  }
}

void check_room(const fs::path& folder, const RemoteFile& file, std::uint64_t have_bytes) {
  std::error_code problem;
  const fs::space_info space = fs::space(folder, problem);
  if (problem || !file.size_bytes || *file.size_bytes <= have_bytes) return;
  const std::uint64_t need = *file.size_bytes - have_bytes;
  if (space.available < need) {
    throw Error(
        ErrorCode::kResourceExhausted,
        fmt::format("{}: not enough space for {}: {:.0f} MB needed, {:.0f} MB free; free some, or choose another "
                    "folder with HF_HOME",
                    folder.string(), file.name, static_cast<double>(need) / 1e6,
                    static_cast<double>(space.available) / 1e6));
  }
}

// "bytes 100-199/200" -> 100.
std::optional<std::uint64_t> content_range_start(const HttpResponse& response) {
  const std::string text = response.header("content-range");
  unsigned long long start = 0;
  if (std::sscanf(text.c_str(), "bytes %llu-", &start) != 1) return std::nullopt;
  return start;
}

// One request for what is missing. Returns the status.
HttpResponse request_rest(const Download& download, const RemoteFile& file, PartialFile& partial,
                          const std::function<void(std::uint64_t)>& on_bytes, const std::stop_token& stop) {
  bool first_piece = true;
  const auto sink = [&](const HttpResponse& so_far, std::span<const std::byte> piece) {
    if (std::exchange(first_piece, false)) {
      // A server that ignores the range, or answers another one, sends what we have again: begin anew.
      const bool continues = so_far.status == 206 && content_range_start(so_far) == partial.size_bytes();
      if (so_far.status == 206 && !continues) {
        partial.truncate();
        throw TransferError(fmt::format("{}: the server answered another range than asked", file.name), true);
      }
      if (!continues) partial.truncate();
    }
    if (file.size_bytes && partial.size_bytes() + piece.size() > *file.size_bytes) {
      partial.truncate();
      throw TransferError(
          fmt::format("{}: the server sends more than the {} bytes it announced", file.name, *file.size_bytes), false);
    }
    partial.append(piece);
    on_bytes(partial.size_bytes());
  };
  return download.http.download(download.url, partial.size_bytes(), sink, stop);
}

// Fills the partial file, trying again after passing failures.
void fetch(const Download& download, const RemoteFile& file, PartialFile& partial,
           const std::function<void(std::uint64_t)>& on_bytes, const std::stop_token& stop) {
  const auto complete = [&] { return file.size_bytes && partial.size_bytes() == *file.size_bytes; };
  if (file.size_bytes && partial.size_bytes() > *file.size_bytes) partial.truncate();
  if (file.size_bytes == 0) return;
  int failures = 0;
  while (!complete()) {
    const std::uint64_t before = partial.size_bytes();
    std::string problem;
    try {
      const HttpResponse response = request_rest(download, file, partial, on_bytes, stop);
      if (response.status == 200 || response.status == 206) {
        if (!file.size_bytes || complete()) return;
        problem = fmt::format("only {} of {} bytes came", partial.size_bytes(), *file.size_bytes);
      } else if (response.status == 416 && before > 0) {
        partial.truncate();  // what we have does not fit the file any more
        problem = "the server refused to resume";
      } else if (is_transient_status(response.status)) {
        problem = fmt::format("HTTP status {}", response.status);
      } else {
        throw explain_refusal(response, download.settings, download.repository, file.name);
      }
    } catch (const TransferError& error) {
      if (!error.transient()) throw;
      problem = error.what();
    }
    failures = partial.size_bytes() > before ? 0 : failures + 1;
    if (failures > download.settings.retries) {
      throw Error(
          ErrorCode::kNetwork,
          fmt::format("{} of {}: {}; gave up after {} tries. What arrived is kept: the same command goes on from "
                      "there",
                      file.name, download.repository, problem, failures));
    }
    wait_before_retry(download.settings, failures, stop);
  }
}

// Deletes the partial file and throws when its content is not what the hub announced.
void verify(const Download& download, const RemoteFile& file, const PartialFile& partial, const std::stop_token& stop) {
  std::string actual;
  if (file.hash.size() == 64) actual = sha256_of_file(partial.path(), stop);
  if (file.hash.size() == 40) actual = git_blob_sha1_of_file(partial.path(), stop);
  if (actual == file.hash) return;
  std::error_code ignored;
  fs::remove(partial.path(), ignored);
  throw Error(
      ErrorCode::kNetwork,
      fmt::format("{} of {}: its content is not what the hub announced (hash {}, expected {}); the download was "
                  "deleted, try again",
                  file.name, download.repository, actual, file.hash));
}

// A hub that says no hash leaves only the path to name the blob by.
std::string blob_name(const RemoteFile& file, std::string_view url) {
  if (!file.hash.empty()) return file.hash;
  std::string name = fmt::format("unverified-{}", url_encode(url, false));
  std::replace(name.begin(), name.end(), '%', '_');
  return name.size() > 200 ? name.substr(name.size() - 200) : name;
}

}  // namespace

std::string download_blob(const Download& download, const RemoteFile& file,
                          const std::function<void(std::uint64_t)>& on_bytes, const std::stop_token& stop) {
  std::string name = blob_name(file, download.url);
  const fs::path blob = download.cache.blob(name);
  const auto have = [&] {
    std::error_code problem;
    const auto size = fs::file_size(blob, problem);
    return !problem && (!file.size_bytes || size == *file.size_bytes);
  };
  std::error_code problem;
  fs::create_directories(blob.parent_path(), problem);
  if (problem) throw_file_error(blob.parent_path(), "cannot be created", problem.value());
  if (!have()) {
    const FileLock lock = wait_for_lock(download.cache.lock(name), stop);
    if (!have()) {  // nobody else fetched it while we waited
      PartialFile partial(blob.string() + ".incomplete");
      on_bytes(partial.size_bytes());
      check_room(blob.parent_path(), file, partial.size_bytes());
      fetch(download, file, partial, on_bytes, stop);
      verify(download, file, partial, stop);
      partial.flush();
      fs::rename(partial.path(), blob, problem);
      if (problem) throw_file_error(blob, "cannot be put in place", problem.value());
    }
  }
  if (file.size_bytes) on_bytes(*file.size_bytes);
  return name;
}

}  // namespace amanuensis::model
