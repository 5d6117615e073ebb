// What runs where, and what it would cost: from the catalog, the array's limits and the cost model. Every time here is
// a prediction for hardware that this program may never have seen. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "device/npu/catalog.h"
#include "device/npu/cost_model.h"

namespace amanuensis::device::npu {

// What one thread of the host rounds to bytes, read and written (`amanuensis npu bench` measures it).
inline constexpr double kHostRoundingBytesPerS = 6e9;

struct MelPlan {
  std::string kernel;
  std::size_t batch = 0;
  std::size_t tiles = 0;
  std::size_t calls_per_hour = 0;  // of audio: 360,000 frames
  std::size_t tile_bytes = 0;
  double seconds_per_hour = 0;  // predicted
  std::string refused = {};     // why it cannot be used; empty: it can
};

// Every log-mel kernel of the catalog, and what a batch of 100 on one tile would need.
std::vector<MelPlan> plan_log_mel(const Catalog& catalog, std::size_t columns, const CostConstants& constants);
// The kernel with the shortest predicted time of those that fit. Throws Error{kResourceExhausted} when none does.
MelPlan choose_log_mel(const std::vector<MelPlan>& plans);

struct EncoderSize {
  std::size_t n_mels = 80;
  std::size_t positions = 1500;
  std::size_t width = 512;
  std::size_t heads = 8;
  std::size_t ffn = 2048;
  std::size_t layers = 6;
};

struct PlanRow {
  std::string what;    // "query, key, value"
  std::string kernel;  // or why the CPU does it
  std::size_t launches = 0;
  std::size_t times = 0;  // that `cost` arises; phases of a block have no launch of their own
  LaunchCost cost = {};
  double other_s = 0;  // what is neither launch nor array: the host, changing the array's program; all of it
  double total_s() const {
    return static_cast<double>(launches) * cost.launch_s + static_cast<double>(times) * cost.overlapped_s + other_s;
  }
};

struct EncoderPlan {
  std::vector<PlanRow> rows;
  double total_s = 0;
  double macs = 0;
  std::size_t launches = 0;
  std::size_t programs = 0;  // how often the array is given another program
};

// One window of a Whisper encoder, as npu_backend.h runs it: whole blocks in one launch where a tile has room for the
// model's rows, and where it has not (or `separate_kernels`, the step down after a failure) seven launches for each.
EncoderPlan plan_encoder(const Catalog& catalog, const EncoderSize& size, std::size_t columns,
                         const CostConstants& constants, bool separate_kernels = false);

}  // namespace amanuensis::device::npu
