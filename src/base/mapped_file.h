// A whole file mapped read-only into memory. The mapping lives as long as the object; views into it must not outlive
// it. Immutable; may be read from any thread. If another process truncates the file meanwhile, reading past its new end
// raises SIGBUS: checkpoints are replaced by rename, never rewritten in place.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace amanuensis {

class MappedFile {
 public:
  // Throws Error{kNotFound} when there is no such file, Error{kInvalidArgument} for a folder or device, Error{kIo} when
  // the system refuses. An empty file maps to an empty span.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_bytes_}; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  std::size_t size_bytes_ = 0;
};

}  // namespace amanuensis
