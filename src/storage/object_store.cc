#include "storage/object_store.h"

#include "storage/address.h"
#include "storage/http_store.h"
#include "storage/local_store.h"
#include "storage/s3/s3_store.h"

namespace amanuensis::storage {

std::unique_ptr<ObjectStore> open_store(const std::string& uri, const StorageSettings& settings) {
  switch (scheme_of(uri)) {
    case Scheme::kS3: {
      const BucketAddress address = bucket_of(uri);
      return open_s3_store(address.bucket, address.prefix, settings);
    }
    case Scheme::kHttp:
      return open_http_store(uri, settings);
    case Scheme::kFolder:
      break;
  }
  return open_local_store(folder_of(uri));
}

}  // namespace amanuensis::storage
