// Reading whole text files that people give us. Pure but for the file; may be called from any thread.
#pragma once

#include <filesystem>
#include <string>

namespace amanuensis::pipeline {

// All bytes of a file without a leading byte-order mark. Throws Error{kNotFound} when there is none, Error{kIo} when it
// cannot be read and Error{kBadData} when it holds zero bytes, as text never does.
std::string read_text_file(const std::filesystem::path& path);

}  // namespace amanuensis::pipeline
