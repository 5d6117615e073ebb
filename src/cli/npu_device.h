// The NPU as the program uses it: which one --device means, and the unified runtime on it. Belongs to one thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "audio/log_mel.h"
#include "cli/context.h"
#include "device/npu/catalog.h"
#include "device/npu/executor.h"
#include "device/npu/operations.h"

namespace amanuensis::cli {

enum class DeviceChoice { kAuto, kCpu, kNpu, kNpuSimulated };

// Told what happens to an NPU. Any thread; must not call back.
using NpuEvents = std::function<void(device::npu::EventLevel level, const std::string& text)>;

struct NpuRequest {
  DeviceChoice device = DeviceChoice::kAuto;
  std::size_t threads = 0;  // of this processor, that simulate; 0: one per CPU
  std::string fault = {};   // as --npu-fault: makes a call fail
  NpuEvents on_event = {};
};

// auto, cpu, npu or npu-sim. Throws Error{kInvalidArgument} naming the option.
DeviceChoice read_device(const std::string& text);

// Opens the real NPU through the XRT module, with the kernels installed beside the program (or in
// AMANUENSIS_NPU_KERNELS).
device::npu::OpenRuntime real_npu(const Environment& environment);
// threads: of this processor, that simulate; 0: one per CPU.
device::npu::OpenRuntime simulated_npu(std::size_t threads);

// `open`, with the fault that the text asks for: SITE:FAULT[:AFTER[:TIMES]], e.g. "wait:time-out:20"; empty: none.
// Throws Error{kInvalidArgument} naming --npu-fault and what there is.
device::npu::OpenRuntime with_fault(device::npu::OpenRuntime open, const std::string& fault);

// Throws as with_fault, before anything is opened.
void check_fault(const std::string& fault);

class NpuDevice {
 public:
  explicit NpuDevice(device::npu::OpenRuntime open, std::size_t columns = device::npu::kMaxColumns,
                     NpuEvents on_event = {});

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
std::unique_ptr<NpuDevice> open_npu(const Environment& environment, const NpuRequest& request);

// The NPU's log-mel kernel in the place of the CPU's. `npu` must outlive it. Any thread.
class NpuMelDevice final : public audio::MelDevice {
 public:
  explicit NpuMelDevice(NpuDevice& npu, std::string kernel = "log_mel_20") : npu_(npu), kernel_(std::move(kernel)) {}
  bool can_do(std::size_t n_mels) const override { return n_mels == 80; }
  void log_bands(const ReadFrame& read, float largest, TensorView<float> out) override;

 private:
  NpuDevice& npu_;
  const std::string kernel_;
};

// What the NPU did, one line for each operation and kernel, for people.
std::string npu_report(NpuDevice& npu);
// Its totals and each kernel's share, as numbers.
struct NpuTotals {
  std::size_t kernels_loaded = 0;  // that are ready now
  std::uint64_t launches = 0;
  std::uint64_t failures = 0;
  double kernel_s = 0;
  double transfer_s = 0;
  double predicted_s = 0;
  double audio_s = 0;          // that went through the encoder, or through log-mel where that is all
  double realtime_factor = 0;  // of that audio, by the time of kernels and transfers; 0: nothing was done
};
NpuTotals npu_totals(NpuDevice& npu);

}  // namespace amanuensis::cli
