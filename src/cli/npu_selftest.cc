#include <fmt/format.h>

#include <array>
#include <memory>
#include <string>

#include "base/error.h"
#include "cli/exit_code.h"
#include "cli/npu_commands.h"
#include "cli/npu_device.h"
#include "cli/option_values.h"

namespace amanuensis::cli {
namespace {

namespace npu = device::npu;

struct Arguments {
  std::string device = "npu-sim";
  std::string fault;
};

int run(Context& context, const Arguments& arguments) {
  constexpr std::array<std::string_view, 2> kChoices{"npu", "npu-sim"};
  const bool real = read_choice({"--device", arguments.device}, kChoices) == "npu";
  NpuDevice device(with_fault(real ? real_npu(context.environment) : simulated_npu(0), arguments.fault));
  const npu::ExecutorStatus status = device.executor().status();
  if (!status.available) throw Error(ErrorCode::kUnsupported, fmt::format("no NPU: {}", status.reason));
  context.terminal.out(fmt::format("{} ({})\n", status.device->name, status.device->driver));
  std::size_t failed = 0;
  for (const npu::KernelSpec& spec : device.catalog().kernels()) {
    const std::string reason = device.executor().prepare(spec);
    device.executor().unload(spec);
    failed += reason.empty() ? 0 : 1;
    context.terminal.out(fmt::format("  {:<18} {}\n", spec.name, reason.empty() ? "passed" : "FAILED: " + reason));
  }
  context.terminal.out(failed == 0 ? "all kernels passed\n" : fmt::format("{} kernels failed\n", failed));
  return failed == 0 ? kExitOk : kExitSomeFailed;
}

}  // namespace

Command add_npu_selftest_command(CLI::App& npu) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* parser =
      npu.add_subcommand("selftest", "Load every kernel and run it on known data, into poisoned buffers");
  parser->add_option("--device", arguments->device, "npu, or npu-sim: a simulated one")
      ->type_name("DEVICE")
      ->capture_default_str();
  add_fault_option(*parser, arguments->fault);
  return {parser, [arguments](Context& context) { return run(context, *arguments); }};
}

}  // namespace amanuensis::cli
