// A bucket, or what is below a prefix of it, as a store: AWS, MinIO, Cloudflare R2 and others that speak S3. Any
// thread.
#pragma once

#include <memory>
#include <string>

#include "storage/object_store.h"

namespace amanuensis::storage {

// `prefix` is empty or ends in '/'. Throws Error{kInvalidArgument} as S3Client does.
std::unique_ptr<ObjectStore> open_s3_store(const std::string& bucket, const std::string& prefix,
                                           const StorageSettings& settings);

}  // namespace amanuensis::storage
