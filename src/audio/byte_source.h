// Where a media file's bytes come from: a file, a pipe or memory. A source belongs to one reader and its thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

namespace amanuensis::audio {

class ByteSource {
 public:
  virtual ~ByteSource() = default;

  // Reads up to into.size() bytes: how many, 0 at the end, or minus the system's error number.
  virtual std::ptrdiff_t read(std::span<std::uint8_t> into) noexcept = 0;

  // Size in bytes; absent when the source cannot go back, in which case seek() must not be called.
  virtual std::optional<std::int64_t> size_bytes() const noexcept = 0;

  // Goes to a position counted from the beginning; false when that is impossible.
  virtual bool seek(std::int64_t position) noexcept = 0;
};

// A regular file, or anything else that open() takes (a named pipe); "-" is standard input. MP4 and QuickTime files
// from a pipe are first copied to an unnamed temporary file, because their index is often at the end. A pipe in which
// nothing arrives is waited for until `stop` is requested; reading then fails with ECANCELED. Throws Error{kNotFound,
// kInvalidArgument for a folder, kIo}.
std::unique_ptr<ByteSource> open_byte_source(const std::filesystem::path& path, const std::stop_token& stop = {});

// `bytes` must outlive the source.
std::unique_ptr<ByteSource> memory_byte_source(std::span<const std::byte> bytes);

// The name of a path in messages.
std::string display_name(const std::filesystem::path& path);

}  // namespace amanuensis::audio
