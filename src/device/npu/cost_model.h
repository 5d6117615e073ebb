// How long a launch takes on a Phoenix NPU, as far as published figures and old measurements say. A prediction, never a
// measurement: whatever prints it says so. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "device/npu/kernel_spec.h"

namespace amanuensis::device::npu {

struct CostConstants {
  double launch_s = 0.3e-3;
  double mel_frame_s = 213e-6;
  double clock_hz = 1.0e9;
  double int8_macs_per_cycle = 256;
  double int16_int8_macs_per_cycle = 128;
  double efficiency = 0.6;
  double values_per_cycle = 1;
  double exps_per_cycle = 1;
  double dma_bytes_per_cycle = 4;
  double dma_channels = 2;
  double descriptor_s = 0.5e-6;
  double phase_s = 20e-6;
  double program_s = 2.5e-3;
  double host_bytes_per_s = 20e9;
};

struct CostSource {
  std::string_view name;
  double value;
  std::string_view unit;
  std::string_view source;
};
// Every constant with where it comes from, for people.
std::span<const CostSource> cost_sources();

struct LaunchCost {
  std::size_t tiles = 0;  // that work
  double macs = 0;        // in bytes, over all tiles
  double bytes_in = 0;    // through the array's edge
  double bytes_out = 0;
  double descriptors = 0;  // of transfers, that the array's controller issues one after the other
  double launch_s = 0;
  double compute_s = 0;
  double dma_s = 0;  // moving the bytes and issuing the descriptors
  // What is left when transfers overlap with compute (double buffering): the longer of the two, phase by phase.
  double overlapped_s = 0;
  double total_s() const { return launch_s + overlapped_s; }
};

// columns: 1 to 4; kernels of a single column use one.
LaunchCost predict_launch(const KernelSpec& spec, const LaunchShape& shape, std::size_t columns,
                          const CostConstants& constants);

// A phase of a block's launch (block_phases.h): the same without the launch, and what changing to it costs.
struct PhaseCost {
  std::string what;
  LaunchCost cost;
};
std::vector<PhaseCost> predict_block(const KernelSpec& spec, const LaunchShape& shape, std::size_t columns,
                                     const CostConstants& constants);

}  // namespace amanuensis::device::npu
