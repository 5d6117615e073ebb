// The NPU as the program uses it: which one --device means, and the unified runtime on it. Belongs to one thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cli/context.h"
#include "device/npu/catalog.h"
#include "device/npu/executor.h"
#include "device/npu/operations.h"

namespace amanuensis::cli {

enum class DeviceChoice { kAuto, kCpu, kNpu, kNpuSimulated };

// auto, cpu, npu or npu-sim. Throws Error{kInvalidArgument} naming the option.
DeviceChoice read_device(const std::string& text);

// Opens the real NPU through the XRT module, with the kernels installed beside the program (or in
// AMANUENSIS_NPU_KERNELS).
device::npu::OpenRuntime real_npu(const Environment& environment);
// threads: of this processor, that simulate; 0: one per CPU.
device::npu::OpenRuntime simulated_npu(std::size_t threads);

class NpuDevice {
 public:
  NpuDevice(device::npu::OpenRuntime open, std::size_t columns = device::npu::kMaxColumns,
            std::function<void(const std::string&)> on_event = {});

  const device::npu::Catalog& catalog() const { return catalog_; }
  device::npu::Executor& executor() { return executor_; }
  device::npu::Operations& operations() { return operations_; }

 private:
  device::npu::Catalog catalog_;
  device::npu::Executor executor_;
  device::npu::Operations operations_;
};

// The NPU that a choice asks for; null: the CPU alone. auto takes a real one when there is one and all kernels that the
// encoder needs pass their self-tests, and never the simulator. Throws Error{kUnsupported}, saying why, when npu was
// asked for and there is none.
std::unique_ptr<NpuDevice> open_npu(const Environment& environment, DeviceChoice choice, std::size_t threads);

// What the NPU did, one line for each operation and kernel, for people.
std::string npu_report(NpuDevice& npu);

}  // namespace amanuensis::cli
