// A simulated Phoenix NPU behind the runtime port: the same tile kernels as the hardware's, on this processor, in
// arrays of 4 columns x 4 tiles. Buffers have a device side of their own, so that a forgotten sync shows; tiles have 64
// KB with red zones; what a launch leaves unwritten fails it; six hardware contexts, each with a queue. Says
// "simulated" wherever it says its name. It computes what the hardware should; how long the hardware would take is the
// cost model's prediction. As thread-safe as the port asks.
#pragma once

#include <cstddef>
#include <memory>

#include "device/npu/cost_model.h"
#include "device/npu/kernels/tile_kernels.h"
#include "device/npu/runtime.h"

namespace amanuensis::device::npu {

struct SimulatorOptions {
  // Of this processor, that simulate tiles; 0: one per CPU.
  std::size_t threads = 0;
  // Null: the best this processor runs.
  const TileKernels* kernels = nullptr;
  CostConstants costs = {};
};

std::unique_ptr<NpuRuntime> make_simulator(const SimulatorOptions& options);

}  // namespace amanuensis::device::npu
