#include "base/whole_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <system_error>
#include <utility>

#include "base/error.h"

namespace amanuensis {
namespace {

[[noreturn]] void throw_failed(const std::filesystem::path& target, int error) {
  ErrorCode code = ErrorCode::kIo;
  const char* advice = "is the folder writable?";
  std::error_code ignored;
  if (!std::filesystem::is_directory(target.has_parent_path() ? target.parent_path() : ".", ignored)) {
    code = ErrorCode::kNotFound;
    advice = "does the folder exist?";
  } else if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
    code = ErrorCode::kResourceExhausted;
    advice = "free some space or choose another folder";
  }
  throw Error(code,
              fmt::format("{}: cannot write: {}; {}", target.string(), std::generic_category().message(error), advice));
}

}  // namespace

WholeFile::WholeFile(std::filesystem::path target) : target_(std::move(target)) {
  // The name does not hold the target's, which may already be as long as the system allows.
  for (int attempt = 0;; ++attempt) {
    partial_ = target_.parent_path() / fmt::format(".amanuensis-{}-{}.partial", ::getpid(), attempt);
    descriptor_ = ::open(partial_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ >= 0) return;
    if (errno != EEXIST) throw_failed(target_, errno);
  }
}

WholeFile::~WholeFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!partial_.empty()) ::unlink(partial_.c_str());
}

void WholeFile::write(std::span<const std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw_failed(target_, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void WholeFile::clear() const {
  if (::ftruncate(descriptor_, 0) != 0 || ::lseek(descriptor_, 0, SEEK_SET) != 0) throw_failed(target_, errno);
}

void WholeFile::flush() const {
  // Some file systems report a full disk only here.
  if (::fsync(descriptor_) != 0 && errno != EINVAL) throw_failed(target_, errno);
}

void WholeFile::close() {
  if (::close(std::exchange(descriptor_, -1)) != 0) throw_failed(target_, errno);
}

void WholeFile::rename() {
  if (::rename(partial_.c_str(), target_.c_str()) != 0) throw_failed(target_, errno);
  partial_.clear();
}

void WholeFile::commit() {
  flush();
  close();
  rename();
}

void WholeFile::commit_unflushed() {
  close();
  rename();
}

bool WholeFile::commit_if_absent() {
  flush();
  close();
  if (::link(partial_.c_str(), target_.c_str()) == 0) return true;  // the destructor takes the other name away
  if (errno == EEXIST) return false;
  if (errno != EPERM && errno != ENOTSUP && errno != ENOSYS && errno != EMLINK) throw_failed(target_, errno);
  std::error_code problem;
  if (std::filesystem::exists(std::filesystem::symlink_status(target_, problem))) return false;
  rename();
  return true;
}

}  // namespace amanuensis
