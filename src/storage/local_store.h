// A folder of this machine, or one that several machines share (NFS and the like), as a store. Writes go through a
// hidden file beside the target that is flushed and renamed, then the folder is flushed. Any thread.
#pragma once

#include <memory>
#include <string>

#include "storage/object_store.h"

namespace amanuensis::storage {

std::unique_ptr<ObjectStore> open_local_store(const std::filesystem::path& folder);

}  // namespace amanuensis::storage
