#include "storage/object_store.h"

#include <fmt/format.h>

#include "base/error.h"
#include "storage/address.h"
#include "storage/local_store.h"

namespace amanuensis::storage {

std::unique_ptr<ObjectStore> open_store(const std::string& uri, const StorageSettings&) {
  if (scheme_of(uri) == Scheme::kFolder) return open_local_store(folder_of(uri));
  throw Error(ErrorCode::kUnsupported, fmt::format("'{}': only folders can be opened so far", without_secrets(uri)));
}

}  // namespace amanuensis::storage
