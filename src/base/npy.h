// Writes float arrays as NumPy files (format version 1.0: numpy.lib.format), for people who compare in Python.
// Free functions; may be called from any thread for different files.
#pragma once

#include <filesystem>
#include <span>
#include <string>

namespace amanuensis {

// Writes `values`, row-major with the given shape (empty: a scalar), as little-endian float32. The file appears whole
// or not at all. Throws Error{kInvalidArgument} when the shape does not hold exactly values.size() elements, and as
// WholeFile does.
void write_npy(const std::filesystem::path& path, std::span<const float> values, std::span<const std::size_t> shape);

// The same file's bytes, for a pipe. Throws Error{kInvalidArgument} as write_npy does, naming `name`.
std::string encode_npy(const std::string& name, std::span<const float> values, std::span<const std::size_t> shape);

}  // namespace amanuensis
