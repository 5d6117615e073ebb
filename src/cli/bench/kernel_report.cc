#include "cli/bench/kernel_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

namespace amanuensis::cli {
namespace {

std::string rate_text(const KernelResult& result) {
  if (result.realtime > 0) return fmt::format("{:.0f}x realtime", result.realtime);
  if (result.bound != Bound::kCompute) return fmt::format("{:.1f} GB/s", result.gbs);
  return fmt::format("{:.0f} {}", result.gflops, result.type == device::ComputeType::kInt8 ? "GOP/s" : "GFLOP/s");
}

// A peer's rate in the unit that ours is given in.
std::string peer_rate_text(const KernelResult& result) {
  if (result.bound == Bound::kCompute) return fmt::format("{:.0f}", result.peer_gflops);
  return fmt::format("{:.1f} GB/s", result.gbs / result.peer_ratio());
}

std::string_view color_of(device::ComputeType type) {
  switch (type) {
    case device::ComputeType::kFloat32:
      return "#2f6fb5";
    case device::ComputeType::kBFloat16:
      return "#2f9e77";
    case device::ComputeType::kInt8:
      return "#c77b18";
  }
  return "#2f6fb5";
}

std::string panel_title(const KernelResult& result) {
  const std::string_view type = device::to_string(result.type);
  if (result.name == "gemm" && result.bound == Bound::kCompute) {
    return fmt::format("matrix product, {} rows, {}", result.rows, type);
  }
  if (result.name == "gemm")
    return fmt::format("matrix product, {} row{}, {}", result.rows, result.rows == 1 ? "" : "s", type);
  if (result.name == "attention") return fmt::format("encoder attention, {}", type);
  if (result.name == "cached_attention") return fmt::format("cached attention, {}", type);
  if (result.name == "conv") return fmt::format("convolutions, {}", type);
  if (result.name == "log_mel") return "log-mel spectrogram";
  return fmt::format("element-wise, {}", type);
}

std::string_view bound_note(const KernelResult& result) {
  switch (result.bound) {
    case Bound::kCompute:
      return "share of the multiply rate";
    case Bound::kRead:
      return "share of the read bandwidth";
    case Bound::kUpdate:
      return "share of the read+write bandwidth";
  }
  return "";
}

ChartBar bar_of(const KernelResult& result) {
  ChartBar bar;
  const bool is_product = result.name == "gemm";
  const std::size_t first = is_product ? result.shape.find('x') + 1 : 0;  // the rows are in the title
  bar.label = result.shape.substr(first);
  if (result.bound == Bound::kUpdate) bar.label = fmt::format("{} {}", result.name, result.shape);
  bar.value = result.share;
  bar.text = fmt::format("{:.0f} %  {}", 100 * result.share, rate_text(result));
  if (result.peer_gflops > 0) {
    bar.peer_value = result.share / result.peer_ratio();
    bar.peer_text = fmt::format("{} {}", result.peer, peer_rate_text(result));
  }
  return bar;
}

nlohmann::ordered_json result_json(const KernelResult& result) {
  nlohmann::ordered_json json = {{"name", result.name},
                                 {"shape", result.shape},
                                 {"type", device::to_string(result.type)},
                                 {"isa", kernels::to_string(result.isa)},
                                 {"threads", result.threads},
                                 {"gflops", result.gflops},
                                 {"share", result.share},
                                 {"bound", to_string(result.bound)},
                                 {"ms", 1e3 * result.seconds}};
  if (result.gbs > 0) json["gbs"] = result.gbs;
  if (result.realtime > 0) json["realtime"] = result.realtime;
  if (result.peer_gflops > 0) {
    json["peer"] = {{"name", result.peer}, {"gflops", result.peer_gflops}, {"ratio", result.peer_ratio()}};
  }
  return json;
}

}  // namespace

std::string machine_text(const Machine& machine) {
  return fmt::format("machine    {}, {} CPUs, {:.0f} GB, {}\ndate       {}\n", machine.cpu, machine.cpus,
                     machine.memory_gb, machine.system, machine.date);
}

std::string ceilings_text(kernels::Isa isa, const Ceilings& c) {
  return fmt::format(
      "\n{}, {} thread{}\nceilings   float32 {:.0f} GFLOP/s, bfloat16 {:.0f} GFLOP/s, int8 {:.0f} GOP/s, read {:.1f} "
      "GB/s, "
      "read+write {:.1f} GB/s\n",
      kernels::to_string(isa), c.threads, c.threads == 1 ? "" : "s", c.fp32_gflops, c.bf16_gflops, c.int8_gops,
      c.read_gbs, c.update_gbs);
}

std::string kernel_heading() {
  return fmt::format("  {:<17}{:<28}{:<10}{:>18}{:>8}   {}\n", "kernel", "shape", "type", "rate", "share",
                     "beside (ours / theirs)");
}

std::string kernel_line(const KernelResult& result) {
  std::string line = fmt::format("  {:<17}{:<28}{:<10}{:>18}{:>6.0f} %", result.name, result.shape,
                                 device::to_string(result.type), rate_text(result), 100 * result.share);
  if (result.peer_gflops > 0) {
    line += fmt::format("   {} {} ({:.2f})", result.peer, peer_rate_text(result), result.peer_ratio());
  }
  return line + "\n";
}

std::string json_of(const KernelReport& report) {
  nlohmann::ordered_json json;
  json["machine"] = to_json(report.machine);
  const IsaCeilings& one = report.ceilings.front();
  const IsaCeilings* all = &one;
  for (const IsaCeilings& each : report.ceilings) {
    if (each.isa == one.isa) all = &each;
  }
  json["ceilings"] = to_json(one.ceilings, all->ceilings, one.isa);
  if (report.ceilings.back().isa != one.isa) {
    for (const IsaCeilings& each : report.ceilings) {
      json["ceilings_by_isa"][kernels::to_string(each.isa)][std::to_string(each.ceilings.threads)] =
          to_json(each.ceilings);
    }
  }
  json["peers"] = report.peers.empty() ? "compared" : report.peers;
  json["kernels"] = nlohmann::ordered_json::array();
  for (const KernelResult& result : report.kernels) json["kernels"].push_back(result_json(result));
  return json.dump(2) + "\n";
}

Chart kernel_chart(const KernelReport& report) {
  Chart chart;
  chart.title = "Amanuensis: kernels as a share of what the machine can do";
  const kernels::Isa isa = report.ceilings.front().isa;
  std::size_t threads = 0;
  for (const IsaCeilings& each : report.ceilings) {
    if (each.isa == isa) threads = std::max(threads, each.ceilings.threads);
  }
  chart.subtitle = fmt::format("{}, {} threads, {}, {}; dashed: the ceiling measured in the same run",
                               report.machine.cpu, threads, kernels::to_string(isa), report.machine.date.substr(0, 10));
  chart.legend_ours = "ours (float32 blue, bfloat16 green, int8 ochre)";
  for (const KernelResult& result : report.kernels) {
    if (result.isa != isa || result.threads != threads) continue;
    if (result.peer_gflops > 0) chart.legend_peers = "oneDNN (bfloat16, int8), OpenBLAS (float32)";
    std::string title = panel_title(result);
    auto panel = std::ranges::find(chart.panels, title, &ChartPanel::title);
    if (panel == chart.panels.end()) {
      chart.panels.push_back({.title = std::move(title),
                              .note = std::string(bound_note(result)),
                              .color = std::string(color_of(result.type)),
                              .bars = {}});
      panel = chart.panels.end() - 1;
    }
    panel->bars.push_back(bar_of(result));
  }
  return chart;
}

}  // namespace amanuensis::cli
