// The two hashes by which a hub names the content of a file. Thread-safe; each call reads the file once.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>

namespace amanuensis::model {

// SHA-256 of the file, 64 lower-case hexadecimal digits: the name of a large file (Git LFS).
// Both throw Error{kIo} when the file cannot be read and Error{kCancelled} once `stop` is requested.
std::string sha256_of_file(const std::filesystem::path& path, const std::stop_token& stop);

// SHA-1 of Git's blob object for the file ("blob <size>\0" and the content), 40 digits: the name of a small file.
std::string git_blob_sha1_of_file(const std::filesystem::path& path, const std::stop_token& stop);

}  // namespace amanuensis::model
