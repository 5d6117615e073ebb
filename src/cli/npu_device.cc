#include "cli/npu_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/cpu_features.h"
#include "base/error.h"
#include "cli/option_values.h"
#include "device/npu/fault_injection.h"
#include "device/npu/host_mel.h"
#include "device/npu/simulator/simulator.h"
#include "device/npu/xrt/xrt_module.h"

namespace amanuensis::cli {
namespace {

namespace fs = std::filesystem;
namespace npu = device::npu;

// What the encoder runs on; with these a model's every window takes the NPU.
constexpr std::array<std::string_view, 2> kEncoderKernels = {"matmul_64", "encoder_block"};

fs::path first_existing(const std::vector<fs::path>& candidates) {
  std::error_code problem;
  for (const fs::path& candidate : candidates) {
    if (fs::exists(candidate, problem)) return candidate;
  }
  return candidates.front();
}

// A name of the tables in fault_injection.h, with - for spaces.
std::string spelled(std::string_view name) {
  std::string text(name);
  std::replace(text.begin(), text.end(), ' ', '-');
  return text;
}

[[noreturn]] void refuse_fault(const std::string& text) {
  std::string known;
  for (std::size_t i = 0; i < npu::kCallSites; ++i) {
    const auto site = static_cast<npu::CallSite>(i);
    for (const npu::Fault fault : npu::faults_at(site)) {
      known += fmt::format("{}{}:{}", known.empty() ? "" : ", ", spelled(npu::to_string(site)),
                           spelled(npu::to_string(fault)));
    }
  }
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("--npu-fault '{}': give SITE:FAULT, and how many calls go well first and how many go wrong "
                          "then, as in wait:time-out:20:1; there are {}",
                          text, known));
}

std::shared_ptr<npu::FaultPlan> read_fault(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t colon = std::min(text.find(':', at), text.size());
    parts.push_back(text.substr(at, colon - at));
    at = colon + 1;
  }
  if (parts.size() < 2 || parts.size() > 4) refuse_fault(text);
  auto plan = std::make_shared<npu::FaultPlan>();
  if (parts.size() > 2) plan->after = read_count({"--npu-fault", parts[2]}, 0, 1000000000);
  if (parts.size() > 3) plan->times = read_count({"--npu-fault", parts[3]}, 1, 1000000000);
  for (std::size_t i = 0; i < npu::kCallSites; ++i) {
    plan->site = static_cast<npu::CallSite>(i);
    if (spelled(npu::to_string(plan->site)) != parts[0]) continue;
    for (const npu::Fault fault : npu::faults_at(plan->site)) {
      plan->fault = fault;
      if (spelled(npu::to_string(fault)) == parts[1]) return plan;
    }
  }
  refuse_fault(text);
}

}  // namespace

DeviceChoice read_device(const std::string& text) {
  constexpr std::array<std::string_view, 4> kChoices{"auto", "cpu", "npu", "npu-sim"};
  const std::string choice = read_choice({"--device", text}, kChoices);
  if (choice == "cpu") return DeviceChoice::kCpu;
  if (choice == "npu") return DeviceChoice::kNpu;
  if (choice == "npu-sim") return DeviceChoice::kNpuSimulated;
  return DeviceChoice::kAuto;
}

npu::OpenRuntime real_npu(const Environment& environment) {
  const fs::path& bin = environment.program_dir;
  const fs::path module =
      first_existing({bin / npu::kXrtModuleFile, bin.parent_path() / "lib/amanuensis" / npu::kXrtModuleFile});
  const fs::path kernels =
      !environment.npu_kernels.empty() ? environment.npu_kernels : bin.parent_path() / "share/amanuensis/npu";
  return npu::xrt_opener(module, kernels);
}

npu::OpenRuntime simulated_npu(std::size_t threads) {
  return [threads] { return npu::make_simulator({.threads = threads}); };
}

npu::OpenRuntime with_fault(npu::OpenRuntime open, const std::string& fault) {
  if (fault.empty()) return open;
  return npu::with_faults(std::move(open), read_fault(fault));
}

void check_fault(const std::string& fault) { (void)read_fault(fault); }

NpuDevice::NpuDevice(npu::OpenRuntime open, std::size_t columns, NpuEvents on_event)
    : executor_({.open = std::move(open), .catalog = catalog_, .columns = columns, .on_event = std::move(on_event)}),
      operations_(executor_, npu::best_tile_kernels(detect_cpu_features())) {}

std::unique_ptr<NpuDevice> open_npu(const Environment& environment, const NpuRequest& request) {
  const DeviceChoice choice = request.device;
  if (choice == DeviceChoice::kCpu) return nullptr;
  const bool simulated = choice == DeviceChoice::kNpuSimulated;
  // Nobody asked for an NPU with auto: that there is none is no news. What happens to one that is used, is.
  const auto told = std::make_shared<std::atomic<bool>>(choice != DeviceChoice::kAuto);
  const NpuEvents on_event = [told, tell = request.on_event](npu::EventLevel level, const std::string& text) {
    if (*told && tell) tell(level, text);
  };
  auto device = std::make_unique<NpuDevice>(
      with_fault(simulated ? simulated_npu(request.threads) : real_npu(environment), request.fault), npu::kMaxColumns,
      on_event);
  if (simulated) return device;
  if (device->executor().available()) {
    if (choice == DeviceChoice::kNpu) return device;
    bool usable = true;
    for (const std::string_view name : kEncoderKernels) {
      usable = usable && device->executor().prepare(device->catalog().at(name)).empty();
    }
    *told = true;
    return usable ? std::move(device) : nullptr;
  }
  if (choice == DeviceChoice::kAuto) return nullptr;
  throw Error(
      ErrorCode::kUnsupported,
      fmt::format("--device npu: {}; `amanuensis devices` shows what there is, --device cpu uses the processor, "
                  "--device npu-sim a simulated NPU",
                  device->executor().status().reason));
}

void NpuMelDevice::log_bands(const ReadFrame& read, float largest, TensorView<float> out) {
  npu::log_mel_bands(npu_.operations(), {.count = out.cols(), .read = read}, out,
                     {.kernel = kernel_, .largest = largest});
}

NpuTotals npu_totals(NpuDevice& npu_device) {
  NpuTotals totals;
  for (const npu::KernelStatus& kernel : npu_device.executor().status().kernels) {
    totals.kernels_loaded += kernel.state == npu::KernelState::kReady ? 1 : 0;
    totals.launches += kernel.counters.launches;
    totals.failures += kernel.counters.failures;
    totals.kernel_s += kernel.counters.kernel_s;
    totals.transfer_s += kernel.counters.transfer_s;
    totals.predicted_s += kernel.counters.predicted_s;
  }
  const npu::AudioTotals audio = npu_device.operations().audio();
  totals.audio_s = audio.encoder_s > 0 ? audio.encoder_s : audio.log_mel_s;
  const double busy_s = totals.kernel_s + totals.transfer_s;
  totals.realtime_factor = busy_s > 0 ? totals.audio_s / busy_s : 0;
  return totals;
}

std::string npu_report(NpuDevice& npu_device) {
  std::string text;
  const NpuTotals totals = npu_totals(npu_device);
  const npu::ExecutorStatus status = npu_device.executor().status();
  const std::string name = status.device ? status.device->name : "NPU";
  for (const npu::OperationCount& count : npu_device.operations().counts()) {
    if (count.npu + count.npu_single + count.cpu == 0) continue;
    text += fmt::format("{}: {}: {} on it, {} singly, {} on the CPU{}\n", name, count.name, count.npu, count.npu_single,
                        count.cpu, count.reason.empty() ? "" : " (" + count.reason + ")");
  }
  for (const npu::KernelStatus& kernel : status.kernels) {
    if (kernel.counters.launches == 0) continue;
    text += fmt::format(
        "{}: kernel {}: {}, {} launches ({} of them self-tests), {} rows, {} failures, {:.3f} s running ({:.1f} %), "
        "{:.3f} s of transfer, predicted on hardware {:.3f} s{}\n",
        name, kernel.name, npu::to_string(kernel.state), kernel.counters.launches, kernel.counters.tests,
        kernel.counters.rows, kernel.counters.failures, kernel.counters.kernel_s,
        totals.kernel_s > 0 ? 100 * kernel.counters.kernel_s / totals.kernel_s : 0.0, kernel.counters.transfer_s,
        kernel.counters.predicted_s, kernel.reason.empty() ? "" : "; last failure: " + kernel.reason);
  }
  text += fmt::format(
      "{}: {} kernels loaded, {} launches, {:.3f} s running, {:.3f} s of transfer, {:.1f} s of audio: {:.1f}x realtime "
      "here, predicted on hardware {:.3f} s\n",
      name, totals.kernels_loaded, totals.launches, totals.kernel_s, totals.transfer_s, totals.audio_s,
      totals.realtime_factor, totals.predicted_s);
  if (!status.available) text += fmt::format("{}: not available: {}\n", name, status.reason);
  return text;
}

}  // namespace amanuensis::cli
