// The files that tools/npu's build script installs for real hardware: for each kernel its xclbin, its catalog entry as
// it was when it was built, and an instruction stream for each shape with its number of words. Checked before anything
// is given to the device. Free functions; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "device/npu/kernel_spec.h"

namespace amanuensis::device::npu {

struct KernelBinaries {
  std::filesystem::path xclbin;
  std::vector<std::uint32_t> instructions;
};

// Throws Error: kNotFound (a file is missing; the message names the build script), kBadData (the entry beside the
// binary is not the program's, or the stream is not as long as the manifest says).
KernelBinaries find_binaries(const std::filesystem::path& folder, const KernelSpec& spec, const LaunchShape& shape);

}  // namespace amanuensis::device::npu
