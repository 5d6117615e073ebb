// The files of an uncompressed zip archive (PKWARE, APPNOTE 6.3): as torch.save() writes them. Works on bytes in
// memory. Pure functions; may be called from any thread.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace amanuensis::model {

// The bytes of each file, by name, as views into `bytes`. `file` is the archive's name, for messages. Throws
// Error{kBadData} when it is no archive or damaged, Error{kUnsupported} when a file in it is compressed.
std::map<std::string, std::span<const std::byte>, std::less<>> read_zip_directory(std::span<const std::byte> bytes,
                                                                                  std::string_view file);

}  // namespace amanuensis::model
