// The array programs: how a launch's buffers are cut into the elements that tiles work on, and which tile works on
// which. What tools/npu emits as MLIR for the hardware, carried out step by step here, with every element copied into
// the tile's memory and back as the DMA engines would. Pure but for what they are handed; different tiles may run in
// different threads.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "device/npu/kernel_spec.h"
#include "device/npu/kernels/tile_kernels.h"
#include "device/npu/simulator/tile_memory.h"

namespace amanuensis::device::npu {

// One argument of a launch in the device's memory. `written` marks every byte of an output that a tile sent back.
struct ProgramArgument {
  std::span<std::byte> bytes;  // empty: left out
  std::span<std::byte> written;
};

struct TileJob {
  const TileKernels& kernels;
  const KernelSpec& spec;
  const LaunchShape& shape;
  std::span<const ProgramArgument> arguments;
  std::size_t tile = 0;  // of `tiles`
  std::size_t tiles = 1;
  TileMemory& memory;
};

// Everything this tile does in a launch. Returns what went wrong, or nothing.
std::string run_tile(const TileJob& job);

}  // namespace amanuensis::device::npu
