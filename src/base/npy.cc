#include "base/npy.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "base/error.h"

namespace amanuensis {
namespace {

static_assert(std::endian::native == std::endian::little, "the values are written as they lie in memory");

std::string npy_header(std::span<const std::size_t> shape) {
  // Python writes a tuple of one as "(3,)".
  const std::string tuple = fmt::format("({}{})", fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
  const std::string description = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': {}, }}", tuple);
  // Magic, version, length and description together fill a multiple of 64 bytes, so that the data can be mapped.
  constexpr std::size_t kPrologueBytes = 10;
  constexpr std::size_t kAlignmentBytes = 64;
  const std::size_t unpadded = kPrologueBytes + description.size() + 1;
  const std::size_t padding = (kAlignmentBytes - unpadded % kAlignmentBytes) % kAlignmentBytes;
  const std::size_t length = description.size() + padding + 1;
  std::string header("\x93NUMPY\x01\x00", 8);
  header += static_cast<char>(length & 0xFFU);
  header += static_cast<char>(length >> 8U);
  return header + description + std::string(padding, ' ') + "\n";
}

// A file that removes itself unless it is given its final name.
class PendingFile {
 public:
  explicit PendingFile(const std::filesystem::path& path) : path_(path), temporary_(path.string() + ".XXXXXX") {
    fd_ = ::mkostemp(temporary_.data(), O_CLOEXEC);
    if (fd_ < 0) fail("cannot write");
  }
  ~PendingFile() {
    if (fd_ < 0) return;
    ::close(fd_);
    ::unlink(temporary_.c_str());
  }
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;

  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::write(fd_, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail("cannot write");
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
  }

  void publish() {
    // mkostemp makes files for their owner alone; this one is an ordinary result.
    constexpr mode_t kReadableByAll = S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH;
    if (::fchmod(fd_, kReadableByAll) != 0) fail("cannot set its permissions");
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail("cannot rename its temporary file");
    ::close(fd_);
    fd_ = -1;
  }

 private:
  [[noreturn]] void fail(const char* what) const {
    const int error = errno;
    throw Error(error == ENOENT || error == ENOTDIR ? ErrorCode::kNotFound : ErrorCode::kIo,
                fmt::format("{}: {}: {}", path_.string(), what, std::strerror(error)));
  }

  std::filesystem::path path_;
  std::string temporary_;
  int fd_ = -1;
};

void check_shape(const std::string& name, std::span<const float> values, std::span<const std::size_t> shape) {
  std::size_t elements = 1;
  for (const std::size_t extent : shape) elements *= extent;
  if (elements != values.size()) {
    throw Error(ErrorCode::kInvalidArgument, fmt::format("{}: an array of shape [{}] has {} elements, not {}", name,
                                                         fmt::join(shape, ", "), elements, values.size()));
  }
}

}  // namespace

void write_npy(const std::filesystem::path& path, std::span<const float> values, std::span<const std::size_t> shape) {
  check_shape(path.string(), values, shape);
  const std::string header = npy_header(shape);
  PendingFile file(path);
  file.write(std::as_bytes(std::span(header)));
  file.write(std::as_bytes(values));
  file.publish();
}

std::string encode_npy(const std::string& name, std::span<const float> values, std::span<const std::size_t> shape) {
  check_shape(name, values, shape);
  std::string file = npy_header(shape);
  const std::span<const std::byte> bytes = std::as_bytes(values);
  return file.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace amanuensis
