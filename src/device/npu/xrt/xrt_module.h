// The boundary between the program and the module that speaks XRT (xrt/module), which is loaded at run time, so that
// one binary runs with and without XRT. Both sides are built together: the version must be equal.
#pragma once

#include <filesystem>
#include <functional>

#include "device/npu/runtime.h"
#include "device/npu/xrt/binaries.h"

namespace amanuensis::device::npu {

inline constexpr int kXrtModuleVersion = 1;
inline constexpr const char* kXrtModuleFile = "libamanuensis_xrt.so";

struct XrtOptions {
  unsigned device_index = 0;
  // Where a kernel's files are; throws as find_binaries does.
  std::function<KernelBinaries(const KernelSpec& spec, const LaunchShape& shape)> find;
};

// What the module exports. Opens a device; throws Error{kNotFound | kIo}.
using XrtVersionFn = int (*)();
using XrtOpenFn = NpuRuntime* (*)(const XrtOptions& options);
inline constexpr const char* kXrtVersionSymbol = "amanuensis_xrt_version";
inline constexpr const char* kXrtOpenSymbol = "amanuensis_xrt_open";

// Opens the NPU through the module, with kernels from a folder. The module stays loaded as long as what it opened.
// Throws Error: kUnsupported (no module, or XRT's own libraries are missing, with the loader's words), and as the
// module does.
OpenRuntime xrt_opener(const std::filesystem::path& module, const std::filesystem::path& kernels);

}  // namespace amanuensis::device::npu
