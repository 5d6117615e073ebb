#include "base/npy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <bit>
#include <string>

#include "base/error.h"
#include "base/whole_file.h"

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
  WholeFile file(path);
  file.write(header);
  file.write(std::as_bytes(values));
  file.commit();
}

std::string encode_npy(const std::string& name, std::span<const float> values, std::span<const std::size_t> shape) {
  check_shape(name, values, shape);
  std::string file = npy_header(shape);
  const std::span<const std::byte> bytes = std::as_bytes(values);
  return file.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace amanuensis
