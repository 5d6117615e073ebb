#include "model/checkpoint/zip_directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/error.h"

namespace amanuensis::model {
namespace {

constexpr std::uint32_t kEndSignature = 0x06054B50;
constexpr std::uint32_t kEntrySignature = 0x02014B50;
constexpr std::uint32_t kFileSignature = 0x04034B50;
constexpr std::uint32_t kEnd64Signature = 0x06064B50;
constexpr std::uint32_t kLocator64Signature = 0x07064B50;
constexpr std::size_t kEndBytes = 22;
constexpr std::size_t kLocator64Bytes = 20;
constexpr std::size_t kEntryBytes = 46;
constexpr std::size_t kFileBytes = 30;
constexpr std::size_t kMostCommentBytes = 0xFFFF;
constexpr std::uint32_t kIn64 = 0xFFFFFFFF;  // the number stands in the extra field
constexpr std::uint16_t kExtra64 = 1;

class Bytes {
 public:
  Bytes(std::span<const std::byte> bytes, std::string_view file) : bytes_(bytes), file_(file) {}

  std::size_t size() const { return bytes_.size(); }

  template <typename T>
  T number(std::uint64_t at) const {
    T value{};
    std::memcpy(&value, part(at, sizeof(T)).data(), sizeof(T));
    return value;
  }
  std::span<const std::byte> part(std::uint64_t at, std::uint64_t count) const {
    if (at > bytes_.size() || count > bytes_.size() - at) fail(fmt::format("breaks off before byte {}", at + count));
    return bytes_.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(count));
  }
  [[noreturn]] void fail(const std::string& what, ErrorCode code = ErrorCode::kBadData) const {
    throw Error(code, fmt::format("{}: as a zip archive it {}", file_, what));
  }

 private:
  std::span<const std::byte> bytes_;
  std::string_view file_;
};

struct Directory {
  std::uint64_t offset = 0;
  std::uint64_t entries = 0;
};

// The end record is the last thing in the archive but for a comment.
Directory find_directory(const Bytes& bytes) {
  if (bytes.size() < kEndBytes) bytes.fail("is too short");
  const std::size_t lowest = bytes.size() - std::min(bytes.size(), kEndBytes + kMostCommentBytes);
  for (std::size_t at = bytes.size() - kEndBytes + 1; at-- > lowest;) {
    if (bytes.number<std::uint32_t>(at) != kEndSignature) continue;
    const bool has_64 =
        at >= kLocator64Bytes && bytes.number<std::uint32_t>(at - kLocator64Bytes) == kLocator64Signature;
    if (!has_64) return {bytes.number<std::uint32_t>(at + 16), bytes.number<std::uint16_t>(at + 10)};
    const auto record = bytes.number<std::uint64_t>(at - kLocator64Bytes + 8);
    if (bytes.number<std::uint32_t>(record) != kEnd64Signature) bytes.fail("has no directory where it should be");
    return {bytes.number<std::uint64_t>(record + 48), bytes.number<std::uint64_t>(record + 32)};
  }
  bytes.fail("has no directory: the file is damaged or something else");
}

// Size and place of a file, from the entry or, where they are too large for it, its extra field.
struct Place {
  std::uint64_t size = 0;
  std::uint64_t header = 0;
};

Place place_of(const Bytes& bytes, std::uint64_t entry, std::uint64_t extra, std::uint64_t extra_bytes) {
  Place place{bytes.number<std::uint32_t>(entry + 24), bytes.number<std::uint32_t>(entry + 42)};
  const std::uint64_t packed = bytes.number<std::uint32_t>(entry + 20);
  for (std::uint64_t at = extra; at + 4 <= extra + extra_bytes;) {
    std::uint64_t field = at + 4;
    at = field + bytes.number<std::uint16_t>(at + 2);
    if (bytes.number<std::uint16_t>(field - 4) != kExtra64) continue;
    if (place.size == kIn64) {
      place.size = bytes.number<std::uint64_t>(field);
      field += 8;
    }
    if (packed == kIn64) field += 8;
    if (place.header == kIn64) place.header = bytes.number<std::uint64_t>(field);
  }
  return place;
}

}  // namespace

std::map<std::string, std::span<const std::byte>, std::less<>> read_zip_directory(std::span<const std::byte> archive,
                                                                                  std::string_view file) {
  const Bytes bytes(archive, file);
  const Directory directory = find_directory(bytes);
  std::map<std::string, std::span<const std::byte>, std::less<>> files;
  std::uint64_t at = directory.offset;
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    if (bytes.number<std::uint32_t>(at) != kEntrySignature) bytes.fail(fmt::format("has no entry at byte {}", at));
    const auto name_bytes = bytes.number<std::uint16_t>(at + 28);
    const auto extra_bytes = bytes.number<std::uint16_t>(at + 30);
    const auto name = bytes.part(at + kEntryBytes, name_bytes);
    const Place place = place_of(bytes, at, at + kEntryBytes + name_bytes, extra_bytes);
    if (bytes.number<std::uint16_t>(at + 10) != 0) {
      bytes.fail("holds compressed files, which torch.save() does not write", ErrorCode::kUnsupported);
    }
    if (bytes.number<std::uint32_t>(place.header) != kFileSignature) {
      bytes.fail(fmt::format("has no file at byte {}", place.header));
    }
    const std::uint64_t begin = place.header + kFileBytes + bytes.number<std::uint16_t>(place.header + 26) +
                                bytes.number<std::uint16_t>(place.header + 28);
    files[std::string(reinterpret_cast<const char*>(name.data()), name.size())] = bytes.part(begin, place.size);
    at += kEntryBytes + name_bytes + extra_bytes + bytes.number<std::uint16_t>(at + 32);
  }
  return files;
}

}  // namespace amanuensis::model
