#include "model/checkpoint/tensor.h"

#include <fmt/format.h>

#include <bit>
#include <cstdint>
#include <cstring>

#include "base/error.h"

namespace amanuensis::model {
namespace {

static_assert(std::endian::native == std::endian::little, "checkpoints are little-endian and read in place");

constexpr std::size_t kBlockValues = 32;

template <typename T>
T load(const std::byte* p) {
  T value;
  std::memcpy(&value, p, sizeof(T));
  return value;
}

// IEEE 754 binary16 to binary32. Every case is exact; subnormals go through a subtraction of two normal numbers, so
// that the result does not depend on whether the thread flushes subnormals to zero.
float half_to_float(std::uint16_t half) {
  constexpr std::uint32_t kExponentMask = 0x7c00u << 13;
  constexpr std::uint32_t kRebias = (127u - 15u) << 23;
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16;
  const std::uint32_t magnitude = static_cast<std::uint32_t>(half & 0x7fffu) << 13;
  const std::uint32_t exponent = magnitude & kExponentMask;
  std::uint32_t bits = magnitude + kRebias;
  if (exponent == kExponentMask) bits += kRebias;  // infinity and NaN keep an exponent of all ones
  if (exponent == 0) {
    constexpr float kSmallestNormal = std::bit_cast<float>(113u << 23);  // 2^-14
    bits = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude + (113u << 23)) - kSmallestNormal);
  }
  return std::bit_cast<float>(bits | sign);
}

float read_half(const std::byte* p) { return half_to_float(load<std::uint16_t>(p)); }

unsigned low_nibble(std::byte b) { return std::to_integer<unsigned>(b) & 15u; }
unsigned high_nibble(std::byte b) { return std::to_integer<unsigned>(b) >> 4; }

// ggml's blocks. Value i of a block is in the low nibble of byte i for i < 16, and in the high nibble of byte i - 16
// for the rest; the 5-bit types keep the fifth bit of value i in bit i of a 32-bit word.
void read_q4_0(const std::byte* block, float* out) {
  const float scale = read_half(block);
  const std::byte* q = block + 2;
  for (std::size_t i = 0; i < 16; ++i) {
    out[i] = static_cast<float>(static_cast<int>(low_nibble(q[i])) - 8) * scale;
    out[i + 16] = static_cast<float>(static_cast<int>(high_nibble(q[i])) - 8) * scale;
  }
}

void read_q4_1(const std::byte* block, float* out) {
  const float scale = read_half(block);
  const float minimum = read_half(block + 2);
  const std::byte* q = block + 4;
  for (std::size_t i = 0; i < 16; ++i) {
    out[i] = static_cast<float>(low_nibble(q[i])) * scale + minimum;
    out[i + 16] = static_cast<float>(high_nibble(q[i])) * scale + minimum;
  }
}

void read_q5_0(const std::byte* block, float* out) {
  const float scale = read_half(block);
  const auto fifth = load<std::uint32_t>(block + 2);
  const std::byte* q = block + 6;
  for (std::size_t i = 0; i < 16; ++i) {
    const unsigned low = low_nibble(q[i]) | ((fifth >> i) & 1u) << 4;
    const unsigned high = high_nibble(q[i]) | ((fifth >> (i + 16)) & 1u) << 4;
    out[i] = static_cast<float>(static_cast<int>(low) - 16) * scale;
    out[i + 16] = static_cast<float>(static_cast<int>(high) - 16) * scale;
  }
}

void read_q5_1(const std::byte* block, float* out) {
  const float scale = read_half(block);
  const float minimum = read_half(block + 2);
  const auto fifth = load<std::uint32_t>(block + 4);
  const std::byte* q = block + 8;
  for (std::size_t i = 0; i < 16; ++i) {
    const unsigned low = low_nibble(q[i]) | ((fifth >> i) & 1u) << 4;
    const unsigned high = high_nibble(q[i]) | ((fifth >> (i + 16)) & 1u) << 4;
    out[i] = static_cast<float>(low) * scale + minimum;
    out[i + 16] = static_cast<float>(high) * scale + minimum;
  }
}

void read_q8_0(const std::byte* block, float* out) {
  const float scale = read_half(block);
  const std::byte* q = block + 2;
  for (std::size_t i = 0; i < kBlockValues; ++i) {
    out[i] = static_cast<float>(load<std::int8_t>(q + i)) * scale;
  }
}

// One line per type: how many values and bytes a block has, and how it is read.
struct TypeTraits {
  StorageType type;
  std::string_view name;
  std::size_t values;
  std::size_t bytes;
};

constexpr TypeTraits kTypes[] = {
    {StorageType::kF32, "f32", 1, 4},
    {StorageType::kF16, "f16", 1, 2},
    {StorageType::kBF16, "bf16", 1, 2},
    {StorageType::kQ4_0, "q4_0", kBlockValues, 2 + 16},
    {StorageType::kQ4_1, "q4_1", kBlockValues, 2 + 2 + 16},
    {StorageType::kQ5_0, "q5_0", kBlockValues, 2 + 4 + 16},
    {StorageType::kQ5_1, "q5_1", kBlockValues, 2 + 2 + 4 + 16},
    {StorageType::kQ8_0, "q8_0", kBlockValues, 2 + 32},
};

const TypeTraits& traits(StorageType type) {
  for (const TypeTraits& t : kTypes) {
    if (t.type == type) return t;
  }
  throw Error(ErrorCode::kInternal, fmt::format("storage type {} has no description", static_cast<int>(type)));
}

template <typename ReadBlock>
void read_blocks(const std::byte* from, std::size_t block_bytes, std::span<float> out, ReadBlock read_block) {
  for (std::size_t i = 0; i < out.size(); i += kBlockValues, from += block_bytes) read_block(from, out.data() + i);
}

}  // namespace

std::string_view to_string(StorageType type) { return traits(type).name; }

std::size_t block_values(StorageType type) { return traits(type).values; }

std::size_t storage_bytes(StorageType type, std::size_t count) {
  const TypeTraits& t = traits(type);
  return count / t.values * t.bytes;
}

std::optional<std::size_t> checked_element_count(std::span<const std::size_t> shape) {
  std::size_t count = 1;
  for (const std::size_t extent : shape) {
    if (__builtin_mul_overflow(count, extent, &count)) return std::nullopt;
  }
  return count;
}

std::optional<std::size_t> checked_storage_bytes(StorageType type, std::span<const std::size_t> shape) {
  const TypeTraits& t = traits(type);
  const std::optional<std::size_t> count = checked_element_count(shape);
  if (!count) return std::nullopt;
  const std::size_t row = shape.empty() ? 1 : shape.back();
  if (row % t.values != 0) return std::nullopt;
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(*count / t.values, t.bytes, &bytes)) return std::nullopt;
  return bytes;
}

std::size_t Tensor::element_count() const {
  std::size_t count = 1;
  for (const std::size_t extent : shape) count *= extent;
  return count;
}

void read_values(const Tensor& tensor, std::size_t first, std::span<float> out) {
  const TypeTraits& t = traits(tensor.type);
  const std::size_t stored = tensor.bytes.size() / t.bytes * t.values;
  if (first % t.values != 0 || out.size() % t.values != 0 || first > stored || out.size() > stored - first) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("{}: tensor '{}' ({}) has {} values; cannot read {} of them from {}", tensor.file,
                            tensor.source_name, t.name, stored, out.size(), first));
  }
  if (out.empty()) return;
  const std::byte* from = tensor.bytes.data() + first / t.values * t.bytes;
  switch (tensor.type) {
    case StorageType::kF32:
      std::memcpy(out.data(), from, out.size_bytes());
      break;
    case StorageType::kF16:
      for (std::size_t i = 0; i < out.size(); ++i) out[i] = read_half(from + 2 * i);
      break;
    case StorageType::kBF16:
      for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] = std::bit_cast<float>(static_cast<std::uint32_t>(load<std::uint16_t>(from + 2 * i)) << 16);
      }
      break;
    case StorageType::kQ4_0:
      read_blocks(from, t.bytes, out, read_q4_0);
      break;
    case StorageType::kQ4_1:
      read_blocks(from, t.bytes, out, read_q4_1);
      break;
    case StorageType::kQ5_0:
      read_blocks(from, t.bytes, out, read_q5_0);
      break;
    case StorageType::kQ5_1:
      read_blocks(from, t.bytes, out, read_q5_1);
      break;
    case StorageType::kQ8_0:
      read_blocks(from, t.bytes, out, read_q8_0);
      break;
  }
}

}  // namespace amanuensis::model
