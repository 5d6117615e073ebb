#include "cli/npu_device.h"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <utility>

#include "base/cpu_features.h"
#include "base/error.h"
#include "cli/option_values.h"
#include "device/npu/simulator/simulator.h"
#include "device/npu/xrt/xrt_module.h"

namespace amanuensis::cli {
namespace {

namespace fs = std::filesystem;
namespace npu = device::npu;

// What the encoder runs on; with these a model's every window takes the NPU.
constexpr std::array<std::string_view, 2> kEncoderKernels = {"matmul_64", "attention_64"};

fs::path first_existing(const std::vector<fs::path>& candidates) {
  std::error_code problem;
  for (const fs::path& candidate : candidates) {
    if (fs::exists(candidate, problem)) return candidate;
  }
  return candidates.front();
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

NpuDevice::NpuDevice(npu::OpenRuntime open, std::size_t columns, std::function<void(const std::string&)> on_event)
    : executor_({.open = std::move(open), .catalog = catalog_, .columns = columns, .on_event = std::move(on_event)}),
      operations_(executor_, npu::best_tile_kernels(detect_cpu_features())) {}

std::unique_ptr<NpuDevice> open_npu(const Environment& environment, DeviceChoice choice, std::size_t threads) {
  if (choice == DeviceChoice::kCpu) return nullptr;
  if (choice == DeviceChoice::kNpuSimulated) return std::make_unique<NpuDevice>(simulated_npu(threads));
  auto device = std::make_unique<NpuDevice>(real_npu(environment));
  if (device->executor().available()) {
    if (choice == DeviceChoice::kNpu) return device;
    bool usable = true;
    for (const std::string_view name : kEncoderKernels) {
      usable = usable && device->executor().prepare(device->catalog().at(name)).empty();
    }
    return usable ? std::move(device) : nullptr;
  }
  if (choice == DeviceChoice::kAuto) return nullptr;
  throw Error(
      ErrorCode::kUnsupported,
      fmt::format("--device npu: {}; `amanuensis devices` shows what there is, --device cpu uses the processor, "
                  "--device npu-sim a simulated NPU",
                  device->executor().status().reason));
}

std::string npu_report(NpuDevice& npu_device) {
  std::string text;
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
        "{}: kernel {}: {}, {} launches, {} rows, {:.3f} s running, {:.3f} s of transfer, predicted on "
        "hardware {:.3f} s\n",
        name, kernel.name, npu::to_string(kernel.state), kernel.counters.launches, kernel.counters.rows,
        kernel.counters.kernel_s, kernel.counters.transfer_s, kernel.counters.predicted_s);
  }
  return text;
}

}  // namespace amanuensis::cli
