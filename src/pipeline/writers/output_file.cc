#include "pipeline/writers/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <sstream>
#include <system_error>
#include <utility>

#include "base/error.h"

namespace amanuensis::pipeline {
namespace {

[[noreturn]] void throw_failed(const std::filesystem::path& target, int error) {
  const std::string reason = std::generic_category().message(error);
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
    throw Error(
        ErrorCode::kResourceExhausted,
        fmt::format("{}: cannot write: {}; free some space or choose another output folder", target.string(), reason));
  }
  throw Error(ErrorCode::kIo,
              fmt::format("{}: cannot write: {}; is the output folder writable?", target.string(), reason));
}

// A new file in the target's folder that takes the target's place when it is whole, and disappears when it is not.
class PartialFile {
 public:
  explicit PartialFile(std::filesystem::path target) : target_(std::move(target)) {
    // The name does not hold the target's, which may already be as long as the system allows.
    for (int attempt = 0;; ++attempt) {
      path_ = target_.parent_path() / fmt::format(".amanuensis-{}-{}.partial", ::getpid(), attempt);
      descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (descriptor_ >= 0) return;
      if (errno != EEXIST) throw_failed(target_, errno);
    }
  }
  ~PartialFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  void write(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) throw_failed(target_, errno);
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  void commit() {
    // Some file systems report a full disk only here.
    if (::fsync(descriptor_) != 0 && errno != EINVAL) throw_failed(target_, errno);
    if (::close(std::exchange(descriptor_, -1)) != 0) throw_failed(target_, errno);
    if (::rename(path_.c_str(), target_.c_str()) != 0) throw_failed(target_, errno);
    path_.clear();
  }

 private:
  std::filesystem::path target_;
  std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace

std::string output_stem(std::string_view input) {
  if (input == "-") return "stdin";
  return std::filesystem::path(input).stem().string();
}

std::filesystem::path write_output_file(const Transcript& transcript, const WriterFormat& format,
                                        const WriterOptions& options, const OutputPlace& place) {
  std::ostringstream text;
  format.write(transcript, options, text);

  const std::filesystem::path directory = place.directory.empty() ? "." : place.directory;
  std::error_code failed;
  std::filesystem::create_directories(directory, failed);
  if (failed) {
    throw Error(ErrorCode::kIo,
                fmt::format("{}: cannot make the output folder: {}", directory.string(), failed.message()));
  }
  std::filesystem::path target = place.directory / fmt::format("{}.{}", place.stem, format.name);
  PartialFile file(directory / target.filename());
  file.write(text.view());
  file.commit();
  return target;
}

}  // namespace amanuensis::pipeline
