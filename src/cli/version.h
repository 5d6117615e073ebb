// The program's version, set by CMake from the project's own.
#pragma once

namespace amanuensis::cli {

const char* version();

}  // namespace amanuensis::cli
