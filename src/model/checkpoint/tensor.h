// One tensor of a checkpoint: a name, a shape, a storage type and a view of its bytes inside a mapped file, with the
// conversion to float32. A value type that does not own its bytes; safe to read from any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace amanuensis::model {

// How values are stored. The q-types are ggml's blocks of 32 values (ggml's quantisation formats).
enum class StorageType { kF32, kF16, kBF16, kQ4_0, kQ4_1, kQ5_0, kQ5_1, kQ8_0 };

std::string_view to_string(StorageType type);

// Bytes taken by `count` values; count must be a multiple of block_values(type).
std::size_t storage_bytes(StorageType type, std::size_t count);
std::size_t block_values(StorageType type);

// The number of values in a shape, and the bytes they take; nothing when that does not fit into std::size_t or when a
// row is not a whole number of blocks. For shapes that come from a file.
std::optional<std::size_t> checked_element_count(std::span<const std::size_t> shape);
std::optional<std::size_t> checked_storage_bytes(StorageType type, std::span<const std::size_t> shape);

struct Tensor {
  std::string source_name;  // as the file calls it, for messages
  std::string file;         // the file it is in, for messages
  StorageType type = StorageType::kF32;
  std::vector<std::size_t> shape;  // outermost first
  std::span<const std::byte> bytes;

  std::size_t element_count() const;
};

// Converts values [first, first + out.size()) to float32, exactly; first and out.size() must be multiples of
// block_values(type). Throws Error{kInvalidArgument} when the range is not inside the tensor.
void read_values(const Tensor& tensor, std::size_t first, std::span<float> out);

}  // namespace amanuensis::model
