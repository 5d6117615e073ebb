// The port between our NPU code and a device: open, load a kernel, allocate buffers that both sides see, bring them to
// and from the device, run, wait with a time-out. XRT's notions, without XRT's types. Implementations: xrt/ (hardware),
// simulator/ (the same tile kernels on this processor), fault_injection.h (any of them, failing on request).
//
// Calls may be made by several threads, except that one kernel runs once at a time, and a buffer is used by one run or
// one thread at a time. Kernels, buffers and runs must not outlive their runtime. What a call cannot do it throws as
// Error; how a run ended is a value.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "device/npu/kernel_spec.h"

namespace amanuensis::device::npu {

inline constexpr std::size_t kTileMemoryBytes = 65536;
inline constexpr std::size_t kMaxColumns = 4;
inline constexpr std::size_t kTilesPerColumn = 4;
inline constexpr std::size_t kTileChannels = 2;      // of DMA, each way
inline constexpr std::size_t kHardwareContexts = 6;  // of Phoenix

struct DeviceInfo {
  std::string name;    // "simulated Phoenix NPU (4 columns x 4 tiles)"
  std::string driver;  // "simulator", or XRT's version
  bool simulated = false;
  std::size_t columns = kMaxColumns;
  std::size_t tiles_per_column = kTilesPerColumn;
  std::size_t tile_memory_bytes = kTileMemoryBytes;
  std::size_t contexts = kHardwareContexts;
};

// What a run of a kernel does, fixed when it is loaded.
struct KernelRequest {
  const KernelSpec& spec;  // must outlive the kernel
  LaunchShape shape;
  std::size_t columns = 1;
};

class NpuBuffer {
 public:
  virtual ~NpuBuffer() = default;
  // The host's view; what the device sees after sync_to_device().
  virtual std::span<std::byte> bytes() = 0;
};

// A kernel in a hardware context. Kernels of one array program (spec.name) share a context, whatever their shapes.
class NpuKernel {
 public:
  virtual ~NpuKernel() = default;
  virtual const KernelSpec& spec() const = 0;
  virtual const LaunchShape& shape() const = 0;
};

class NpuRun {
 public:
  virtual ~NpuRun() = default;
};

enum class RunStatus { kCompleted, kTimedOut, kFailed, kDeviceLost };

struct RunResult {
  RunStatus status = RunStatus::kCompleted;
  std::string reason = {};  // unless completed
  double predicted_s = 0;   // by the cost model; a simulator's only notion of the device's time
};

class NpuRuntime {
 public:
  virtual ~NpuRuntime() = default;
  virtual DeviceInfo info() = 0;
  // Throws Error: kNotFound (no binary), kBadData (binary and catalog differ), kInvalidArgument (a shape it cannot do),
  // kResourceExhausted (a tile or the contexts are full), kIo (the device refused).
  virtual std::unique_ptr<NpuKernel> load_kernel(const KernelRequest& request) = 0;
  // For the argument of that index.
  virtual std::unique_ptr<NpuBuffer> allocate(const NpuKernel& kernel, std::size_t argument) = 0;
  virtual void sync_to_device(NpuBuffer& buffer) = 0;
  virtual void sync_from_device(NpuBuffer& buffer) = 0;
  // One buffer for each argument, in the catalog's order; null where an optional one is left out. Throws
  // Error{kInvalidArgument} when a buffer's size is not the argument's, Error{kIo} when the device refuses.
  virtual std::unique_ptr<NpuRun> start(NpuKernel& kernel, std::span<NpuBuffer* const> arguments) = 0;
  virtual RunResult wait(NpuRun& run, std::chrono::milliseconds timeout) = 0;
  // Gives the device back. Kernels, buffers and runs are of no use afterwards; calling it twice is harmless.
  virtual void close() = 0;
};

// Opens a device anew; called again after one was lost. Throws Error{kNotFound | kIo | kUnsupported}.
using OpenRuntime = std::function<std::unique_ptr<NpuRuntime>()>;

}  // namespace amanuensis::device::npu
