#include "audio/byte_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace amanuensis::audio {
namespace {

[[noreturn]] void throw_system_error(const std::string& name, const char* what, int error) {
  const ErrorCode code = error == ENOENT || error == ENOTDIR ? ErrorCode::kNotFound : ErrorCode::kIo;
  throw Error(code, fmt::format("{}: {}: {}", name, what, std::strerror(error)));
}

// An open file; standard input is borrowed, everything else is closed.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ > STDIN_FILENO) ::close(fd_);
  }
  int get() const { return fd_; }

  std::ptrdiff_t read(std::span<std::uint8_t> into) const noexcept {
    while (true) {
      const ssize_t count = ::read(fd_, into.data(), into.size());
      if (count >= 0) return count;
      if (errno != EINTR) return -errno;
    }
  }

 private:
  int fd_;
};

class FileSource : public ByteSource {
 public:
  // The file as seen from its current position: a shell may hand over the rest of one.
  FileSource(Descriptor file, std::int64_t size_bytes)
      : file_(std::move(file)),
        begin_(std::max<off_t>(0, ::lseek(file_.get(), 0, SEEK_CUR))),
        size_bytes_(std::max<std::int64_t>(0, size_bytes - begin_)) {}

  std::ptrdiff_t read(std::span<std::uint8_t> into) noexcept override { return file_.read(into); }
  std::optional<std::int64_t> size_bytes() const noexcept override { return size_bytes_; }
  bool seek(std::int64_t position) noexcept override {
    return position >= 0 && ::lseek(file_.get(), begin_ + position, SEEK_SET) >= 0;
  }

 private:
  Descriptor file_;
  std::int64_t begin_;
  std::int64_t size_bytes_;
};

// A pipe, which may stay silent for as long as its writer likes: waits until there is something to read or the reader
// has lost patience.
class PatientPipe {
 public:
  PatientPipe(Descriptor pipe, std::stop_token stop) : pipe_(std::move(pipe)), stop_(std::move(stop)) {}

  std::ptrdiff_t read(std::span<std::uint8_t> into) const noexcept {
    constexpr int kLookMs = 100;
    pollfd waiting{pipe_.get(), POLLIN, 0};
    while (true) {
      if (stop_.stop_requested()) return -ECANCELED;
      const int ready = ::poll(&waiting, 1, stop_.stop_possible() ? kLookMs : -1);
      if (ready < 0 && errno != EINTR) return -errno;
      if (ready <= 0) continue;
      const std::ptrdiff_t count = pipe_.read(into);
      if (count != -EAGAIN) return count;
    }
  }

 private:
  Descriptor pipe_;
  std::stop_token stop_;
};

// Bytes already taken from a pipe, then the rest of it.
class PipeSource : public ByteSource {
 public:
  PipeSource(PatientPipe pipe, std::vector<std::uint8_t> head) : pipe_(std::move(pipe)), head_(std::move(head)) {}

  std::ptrdiff_t read(std::span<std::uint8_t> into) noexcept override {
    if (head_done_ == head_.size()) return pipe_.read(into);
    const std::size_t count = std::min(into.size(), head_.size() - head_done_);
    std::copy_n(head_.begin() + static_cast<std::ptrdiff_t>(head_done_), count, into.begin());
    head_done_ += count;
    return static_cast<std::ptrdiff_t>(count);
  }
  std::optional<std::int64_t> size_bytes() const noexcept override { return std::nullopt; }
  bool seek(std::int64_t) noexcept override { return false; }

 private:
  PatientPipe pipe_;
  std::vector<std::uint8_t> head_;
  std::size_t head_done_ = 0;
};

class MemorySource : public ByteSource {
 public:
  explicit MemorySource(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::ptrdiff_t read(std::span<std::uint8_t> into) noexcept override {
    const std::size_t count = std::min(into.size(), bytes_.size() - position_);
    if (count > 0) std::memcpy(into.data(), bytes_.data() + position_, count);
    position_ += count;
    return static_cast<std::ptrdiff_t>(count);
  }
  std::optional<std::int64_t> size_bytes() const noexcept override { return static_cast<std::int64_t>(bytes_.size()); }
  bool seek(std::int64_t position) noexcept override {
    if (position < 0) return false;
    position_ = std::min(static_cast<std::size_t>(position), bytes_.size());
    return true;
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t position_ = 0;
};

// Whether a file begins like the ISO base media format: a length, then one of the boxes that may come first.
bool looks_like_mp4(std::span<const std::uint8_t> head) {
  constexpr std::array<std::string_view, 5> kFirstBoxes = {"ftyp", "moov", "mdat", "wide", "free"};
  if (head.size() < 8) return false;
  const std::string_view type(reinterpret_cast<const char*>(head.data()) + 4, 4);
  return std::ranges::find(kFirstBoxes, type) != kFirstBoxes.end();
}

void write_all(const std::string& name, int fd, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_system_error(name, "cannot copy it to a temporary file", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

// The whole source in a file without a name, which vanishes with its last descriptor.
std::unique_ptr<ByteSource> spool(const std::string& name, ByteSource& source) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream(std::tmpfile(), std::fclose);
  if (!stream) throw_system_error(name, "cannot make a temporary file for it", errno);
  Descriptor file(::fcntl(::fileno(stream.get()), F_DUPFD_CLOEXEC, 3));
  if (file.get() < 0) throw_system_error(name, "cannot make a temporary file for it", errno);
  std::vector<std::uint8_t> buffer(1U << 20U);
  std::int64_t size_bytes = 0;
  while (true) {
    const std::ptrdiff_t count = source.read(buffer);
    if (count < 0) throw_system_error(name, "cannot read", static_cast<int>(-count));
    if (count == 0) break;
    write_all(name, file.get(), std::span(buffer).first(static_cast<std::size_t>(count)));
    size_bytes += count;
  }
  if (::lseek(file.get(), 0, SEEK_SET) < 0) throw_system_error(name, "cannot rewind its temporary copy", errno);
  return std::make_unique<FileSource>(std::move(file), size_bytes);
}

std::unique_ptr<ByteSource> open_pipe(const std::string& name, PatientPipe pipe) {
  std::vector<std::uint8_t> head(8);
  std::size_t filled = 0;
  while (filled < head.size()) {
    const std::ptrdiff_t count = pipe.read(std::span(head).subspan(filled));
    if (count < 0) throw_system_error(name, "cannot read", static_cast<int>(-count));
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
  }
  head.resize(filled);
  if (head.empty()) throw Error(ErrorCode::kBadData, fmt::format("{}: is empty (0 bytes)", name));
  const bool needs_index = looks_like_mp4(head);
  auto source = std::make_unique<PipeSource>(std::move(pipe), std::move(head));
  if (needs_index) return spool(name, *source);
  return source;
}

}  // namespace

std::string display_name(const std::filesystem::path& path) { return path == "-" ? "standard input" : path.string(); }

std::unique_ptr<ByteSource> open_byte_source(const std::filesystem::path& path, const std::stop_token& stop) {
  const std::string name = display_name(path);
  // O_NONBLOCK: opening a named pipe does not wait for its writer. Regular files know no such mode.
  Descriptor file(path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) throw_system_error(name, "cannot open", errno);
  struct stat status = {};
  if (::fstat(file.get(), &status) != 0) throw_system_error(name, "cannot open", errno);
  if (S_ISDIR(status.st_mode)) {
    throw Error(ErrorCode::kInvalidArgument, fmt::format("{}: is a folder; name the media files in it", name));
  }
  if (!S_ISREG(status.st_mode)) return open_pipe(name, {std::move(file), stop});
  if (status.st_size == 0) throw Error(ErrorCode::kBadData, fmt::format("{}: is empty (0 bytes)", name));
  return std::make_unique<FileSource>(std::move(file), status.st_size);
}

std::unique_ptr<ByteSource> memory_byte_source(std::span<const std::byte> bytes) {
  return std::make_unique<MemorySource>(bytes);
}

}  // namespace amanuensis::audio
