#include <fmt/format.h>

#include <memory>
#include <string>

#include "base/cpu_features.h"
#include "base/thread_pool.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/npu_commands.h"
#include "cli/npu_device.h"
#include "kernels/select.h"

namespace amanuensis::cli {
namespace {

namespace npu = device::npu;

void describe(Terminal& terminal, const std::string& name, NpuDevice& device, const Context& context, bool test) {
  const npu::ExecutorStatus before = device.executor().status();
  if (!before.available) {
    terminal.out(fmt::format("{:<10} not available: {}\n", name, before.reason));
    return;
  }
  terminal.out(fmt::format("{:<10} {}; {}; {} columns x {} tiles of {} KB, {} hardware contexts\n", name,
                           before.device->name, before.device->driver, before.device->columns,
                           before.device->tiles_per_column, before.device->tile_memory_bytes / 1024,
                           before.device->contexts));
  if (!test) return;
  for (const npu::KernelSpec& spec : device.catalog().kernels()) {
    if (context.stop.stop_requested()) return;
    const std::string reason = device.executor().prepare(spec);
    terminal.out(fmt::format("{:<10}   {:<18} {}\n", "", spec.name, reason.empty() ? "ready" : "not used: " + reason));
    device.executor().unload(spec);
  }
}

struct Arguments {
  bool test = false;
  std::string fault;
};

int run(Context& context, const Arguments& arguments) {
  if (!arguments.fault.empty()) check_fault(arguments.fault);
  const bool test = arguments.test;
  const kernels::KernelTable kernels = kernels::select_kernels(detect_cpu_features(), context.environment.isa);
  context.terminal.out(
      fmt::format("{:<10} {} kernels, {} threads\n", "cpu", kernels::to_string(kernels.isa), ThreadPool(0).threads()));
  NpuDevice real(real_npu(context.environment));
  describe(context.terminal, "npu", real, context, test);
  NpuDevice simulated(with_fault(simulated_npu(0), arguments.fault));
  describe(context.terminal, "npu-sim", simulated, context, test);
  return kExitOk;
}

}  // namespace

Command add_devices_command(CLI::App& program) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* parser =
      program.add_subcommand("devices", "What this machine can compute on, and what cannot be used and why");
  parser->add_flag("--test", arguments->test, "Load every NPU kernel and run its self-test");
  add_fault_option(*parser, arguments->fault);
  parser->footer(
      "--device takes these names; auto takes a real NPU where its kernels pass their self-tests, and the CPU "
      "otherwise.\nnpu-sim is a simulation: right results, slowly.\n\n"
      "Examples:\n  amanuensis devices\n  amanuensis devices --test");
  return {parser, [arguments](Context& context) { return run(context, *arguments); }};
}

}  // namespace amanuensis::cli
