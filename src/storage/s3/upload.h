// Putting objects into a bucket: at once, or in parts that are taken back when something goes wrong. Free functions.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "storage/object_store.h"
#include "storage/s3/client.h"

namespace amanuensis::storage {

// `key` is the bucket's. Both throw as ObjectStore::write() does; the older object then stays.
void upload_bytes(S3Client& client, const std::string& key, std::string_view bytes, const TransferOptions& options);
void upload_file(S3Client& client, const std::string& key, const std::filesystem::path& source,
                 const TransferOptions& options);

// How large the parts of an object are: at least as the settings say, so large that 10,000 of them are enough, whole
// MiB, and all but the last of one size.
std::uint64_t part_size(const S3Settings& settings, std::uint64_t object_bytes);

}  // namespace amanuensis::storage
