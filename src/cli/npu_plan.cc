#include <fmt/format.h>

#include <array>
#include <memory>
#include <string>

#include "base/error.h"
#include "cli/bench/options.h"
#include "cli/exit_code.h"
#include "cli/npu_commands.h"
#include "cli/option_values.h"
#include "device/npu/planner.h"
#include "device/npu/runtime.h"
#include "model/checkpoint/checkpoint.h"

namespace amanuensis::cli {
namespace {

namespace npu = device::npu;

struct Arguments {
  std::string model = "base";
  std::string columns = "4";
  std::string clock_ghz = "1.0";
};

double share(std::size_t bytes) { return 100.0 * static_cast<double>(bytes) / npu::kTileMemoryBytes; }

std::string log_mel_table(const npu::Catalog& catalog, std::size_t columns, const npu::CostConstants& constants) {
  const auto plans = npu::plan_log_mel(catalog, columns, constants);
  std::string text = fmt::format(
      "Log-mel of an hour of audio (360,000 frames), predicted\n  {:<26}{:>6}{:>7}{:>10}{:>14}"
      "{:>10}{:>9}\n",
      "kernel", "batch", "tiles", "calls", "tile bytes", "of 64 KB", "time");
  for (const npu::MelPlan& plan : plans) {
    text += fmt::format("  {:<26}{:>6}{:>7}{:>10}{:>14}{:>8.1f} %{:>9}\n", plan.kernel, plan.batch, plan.tiles,
                        plan.calls_per_hour, plan.tile_bytes, share(plan.tile_bytes),
                        plan.refused.empty() ? fmt::format("{:.1f} s", plan.seconds_per_hour) : "refused");
    if (!plan.refused.empty()) text += fmt::format("      {}\n", plan.refused);
  }
  const npu::MelPlan best = npu::choose_log_mel(plans);
  return text + fmt::format("  chosen: {}, {:.0f}x realtime\n\n", best.kernel, 3600 / best.seconds_per_hour);
}

std::string kernel_table(const npu::Catalog& catalog) {
  std::string text = fmt::format("Kernels and a tile's memory\n");
  for (const npu::KernelSpec& spec : catalog.kernels()) {
    text += fmt::format("  {:<18} {}\n", spec.name, npu::tile_memory_text(spec));
  }
  return text + "\n";
}

std::string encoder_table(const std::string& model, const npu::EncoderPlan& plan, const npu::EncoderPlan& separate,
                          std::size_t columns, const npu::CostConstants& constants) {
  std::string text = fmt::format(
      "Encoder of {}, one window of 30 s, {} columns at {:.1f} GHz, predicted\n"
      "  a launch takes {:.1f} ms to start; compute and transfers overlap, the longer of the two counts\n"
      "  {:<35}{:<16}{:>9}{:>7}{:>10}{:>12}{:>9}{:>10}{:>9}\n",
      model, columns, constants.clock_hz * 1e-9, constants.launch_s * 1e3, "what", "kernel", "launches", "times",
      "start ms", "compute ms", "DMA ms", "other ms", "all ms");
  for (const npu::PlanRow& row : plan.rows) {
    const auto n = static_cast<double>(row.times);
    text += fmt::format("  {:<35}{:<16}{:>9}{:>7}{:>10.2f}{:>12.2f}{:>9.2f}{:>10.2f}{:>9.2f}\n", row.what, row.kernel,
                        row.launches, row.times, static_cast<double>(row.launches) * row.cost.launch_s * 1e3,
                        n * row.cost.compute_s * 1e3, n * row.cost.dma_s * 1e3, row.other_s * 1e3, row.total_s() * 1e3);
  }
  text += fmt::format("  {:<51}{:>9}{:>57.2f}\n", "together", plan.launches, plan.total_s * 1e3);
  text += fmt::format(
      "  {:.1f} G multiplications; {:.0f}x realtime for the encoder alone\n"
      "  by seven kernels a block, the step down after a failure: {} launches, {} changes of program, {:.1f} ms\n",
      plan.macs * 1e-9, 30 / plan.total_s, separate.launches, separate.programs, separate.total_s * 1e3);
  return text + "\n";
}

// What was said before, beside what this catalog makes of it.
std::string old_reports_table(const npu::Catalog& catalog, const npu::EncoderPlan& plan, std::size_t columns,
                              const npu::CostConstants& constants) {
  const npu::LaunchCost cube =
      npu::predict_launch(catalog.at("matmul_64"), {.rows = 512, .inner = 512, .cols = 512}, columns, constants);
  const auto batch_20 = npu::predict_launch(catalog.at("log_mel_20"), {.rows = 20}, columns, constants);
  const auto batch_100 = npu::predict_launch(catalog.at("log_mel_100"), {.rows = 100}, columns, constants);
  const auto line = [](const std::string& what, const std::string& old, const std::string& here) {
    return fmt::format("  {:<38}{:<36}{}\n", what, old, here);
  };
  return "Old reports beside this\n" + line("what", "the earlier project's reports", "here, predicted") +
         line("log-mel of an hour, batch 20", "82 s (0.3 ms a launch, measured)",
              fmt::format("{:.0f} s in 18000 calls", 18000 * batch_20.total_s())) +
         line("log-mel of an hour, batch 100", "20 s; one frame in ten computed",
              fmt::format("{:.0f} s in 3600 calls, every frame computed", 3600 * batch_100.total_s())) +
         line("512 x 512 x 512", "32768 launches", fmt::format("1 launch, {:.2f} ms", cube.total_s() * 1e3)) +
         line("encoder of base, one window", "399.7 ms for a part of it",
              fmt::format("{:.1f} ms for all of it in {} launches (this --model)", plan.total_s * 1e3, plan.launches)) +
         "\n";
}

std::string constants_table() {
  std::string text = "Constants\n";
  for (const npu::CostSource& source : npu::cost_sources()) {
    text += fmt::format("  {:<14}{:>8} {:<24} {}\n", source.name, source.value, source.unit, source.source);
  }
  return text;
}

int run(Context& context, const Arguments& arguments) {
  const std::size_t columns = read_count({"--columns", arguments.columns}, 1, npu::kMaxColumns);
  npu::CostConstants constants;
  constants.clock_hz = read_number({"--clock", arguments.clock_ghz}, 0.1, 4) * 1e9;
  const model::ModelDimensions dims = read_published_size({"--model", arguments.model}).dims;
  const npu::Catalog catalog;
  const npu::EncoderSize size = {.n_mels = dims.n_mels,
                                 .positions = dims.n_audio_ctx,
                                 .width = dims.n_audio_state,
                                 .heads = dims.n_audio_head,
                                 .ffn = dims.n_audio_ffn,
                                 .layers = dims.n_audio_layer};
  const npu::EncoderPlan plan = npu::plan_encoder(catalog, size, columns, constants);
  const npu::EncoderPlan separate = npu::plan_encoder(catalog, size, columns, constants, /*separate_kernels=*/true);
  context.terminal.out("Predictions of a cost model for an AMD Phoenix NPU; nothing here was measured on one.\n\n" +
                       log_mel_table(catalog, columns, constants) + kernel_table(catalog) +
                       encoder_table(arguments.model, plan, separate, columns, constants) +
                       old_reports_table(catalog, plan, columns, constants) + constants_table());
  return kExitOk;
}

}  // namespace

Command add_npu_plan_command(CLI::App& npu) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* parser = npu.add_subcommand("plan", "Tile memory, launches and predicted times");
  const auto option = [&](const char* name, std::string& value, const char* help, const char* type) {
    parser->add_option(name, value, help)->type_name(type)->capture_default_str();
  };
  option("--model", arguments->model, "A published size: tiny, base, small, ...", "SIZE");
  option("--columns", arguments->columns, "Of the array, 1 to 4", "N");
  option("--clock", arguments->clock_ghz, "Of the tiles, GHz", "X");
  return {parser, [arguments](Context& context) { return run(context, *arguments); }};
}

}  // namespace amanuensis::cli
