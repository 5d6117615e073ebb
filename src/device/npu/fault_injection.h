// Any runtime, failing on request: at a chosen call of a chosen kind, in a chosen way. For tests, and for
// `--npu-fault`, which shows a person what a fault looks like. As thread-safe as the port asks.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "device/npu/runtime.h"

namespace amanuensis::device::npu {

// Where: a call of the port.
enum class CallSite { kOpen, kInfo, kLoad, kAllocate, kSyncToDevice, kSyncFromDevice, kStart, kWait, kClose };
inline constexpr std::size_t kCallSites = 9;
std::string_view to_string(CallSite site);

// How. Not every fault makes sense everywhere; faults_at() says which do.
enum class Fault {
  kError,       // the call throws, as when a binary is missing or memory is short
  kDeviceLost,  // the device is gone: this call and every one after it, until it is opened again
  kWrongSize,   // a buffer of another size than was asked for
  kTimeout,     // the run never ends
  kRunFailed,   // the run ends with an error
  kGarbage,     // the run ends well, and the outputs are noise
  kZeros,       // the run ends well, and the outputs are zeros
};
std::string_view to_string(Fault fault);
std::span<const Fault> faults_at(CallSite site);

// Shared by a plan's owner and every runtime opened under it.
struct FaultPlan {
  CallSite site = CallSite::kStart;
  Fault fault = Fault::kError;
  std::size_t after = 0;  // calls of that kind that go well first
  std::size_t times = 1;  // calls that go wrong then
  std::atomic<std::size_t> calls{0};
  std::atomic<std::size_t> injected{0};
};

// Opens what `open` opens, behind the plan's faults.
OpenRuntime with_faults(OpenRuntime open, std::shared_ptr<FaultPlan> plan);

}  // namespace amanuensis::device::npu
