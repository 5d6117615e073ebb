// One recording at an http(s) address, as a store of one object that can only be read. Any thread.
#pragma once

#include <memory>
#include <string>

#include "storage/object_store.h"

namespace amanuensis::storage {

// Throws Error{kInvalidArgument} for what is no address.
std::unique_ptr<ObjectStore> open_http_store(const std::string& address, const StorageSettings& settings);

}  // namespace amanuensis::storage
