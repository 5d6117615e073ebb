// Known inputs and expected outputs for every kernel: what is run when a kernel is loaded, into poisoned buffers,
// before anything relies on it. Expected values are computed here in double precision, not by the tile kernels, so that
// a binary that does something else is found out. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "device/npu/kernel_spec.h"

namespace amanuensis::device::npu {

struct SelfTest {
  LaunchShape shape;
  // For each argument in the catalog's order; empty for outputs and for what is left out.
  std::vector<std::vector<std::byte>> inputs;
  // Given every argument's bytes after the run: empty, or what is wrong.
  std::function<std::string(std::span<const std::span<const std::byte>> arguments)> check;
};

SelfTest make_self_test(const KernelSpec& spec);

}  // namespace amanuensis::device::npu
