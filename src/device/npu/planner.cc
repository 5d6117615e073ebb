#include "device/npu/planner.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "device/npu/operations.h"

namespace amanuensis::device::npu {
namespace {

constexpr std::size_t kFramesPerHour = 360000;

MelPlan plan_batch(const KernelSpec& spec, std::size_t columns, const CostConstants& constants) {
  const LaunchCost cost = predict_launch(spec, {.rows = spec.batch}, columns, constants);
  MelPlan plan = {.kernel = spec.name,
                  .batch = spec.batch,
                  .tiles = cost.tiles,
                  .calls_per_hour = (kFramesPerHour + spec.batch - 1) / spec.batch,
                  .tile_bytes = spec.tile_memory_bytes()};
  plan.seconds_per_hour = static_cast<double>(plan.calls_per_hour) * cost.total_s();
  try {
    check_tile_memory(spec);
  } catch (const Error& error) {
    plan.refused = error.what();
  }
  return plan;
}

// A kernel of another batch, whole batches in one tile.
KernelSpec with_batch(KernelSpec spec, std::size_t batch) {
  spec.name = fmt::format("log_mel_{}_on_one_tile", batch);
  spec.batch = spec.block_rows = batch;
  spec.tiles = 1;
  spec.single_column = true;
  for (FifoSpec& fifo : spec.fifos) {
    fifo.element_bytes = fifo.element_bytes / fifo.element.front() * batch;
    fifo.element.front() = batch;
  }
  return spec;
}

class EncoderPlanner {
 public:
  EncoderPlanner(const Catalog& catalog, const EncoderSize& size, std::size_t columns, const CostConstants& constants)
      : catalog_(catalog), size_(size), columns_(columns), constants_(constants) {}

  EncoderPlan plan() {
    const std::size_t frames = 2 * size_.positions;
    product("first convolution", 1, frames, 3 * size_.n_mels, size_.width, {.gelu = true});
    product("second convolution", 1, size_.positions, 3 * size_.width, size_.width, {.gelu = true});
    norm("norm before attention");
    product("query, key, value", size_.layers, size_.positions, size_.width, 3 * size_.width, {});
    attention();
    product("attention's projection, added", size_.layers, size_.positions, size_.width, size_.width,
            {.add_residual = true});
    norm("norm before feed-forward");
    product("feed-forward up, GELU", size_.layers, size_.positions, size_.width, size_.ffn, {.gelu = true});
    product("feed-forward down, added", size_.layers, size_.positions, size_.ffn, size_.width, {.add_residual = true});
    // Positions are added, and the last norm is taken, on the CPU.
    host_bytes_ += static_cast<double>(size_.positions * size_.width) * 24;
    host_packing();
    for (const PlanRow& row : plan_.rows) {
      plan_.total_s += row.total_s();
      plan_.macs += row.cost.macs * static_cast<double>(row.launches);
      plan_.launches += row.launches;
    }
    return plan_;
  }

 private:
  void add(const std::string& what, const KernelSpec& spec, std::size_t launches, const LaunchShape& shape) {
    PlanRow row = {.what = what, .kernel = spec.name, .shape = shape, .launches = launches};
    row.cost = predict_launch(spec, shape, columns_, constants_);
    plan_.rows.push_back(row);
  }

  void product(const std::string& what, std::size_t launches, std::size_t rows, std::size_t inner, std::size_t cols,
               LaunchShape shape) {
    shape.rows = round_up(rows, kArrayTile);
    shape.inner = round_up(inner, kRowTile);
    shape.cols = round_up(cols, kArrayTile);
    add(what, catalog_.at("matmul_64"), launches, shape);
    // The host gathers and rounds what convolutions and the layers behind attention and GELU read.
    if (what.find("query") == std::string::npos && what.find("up") == std::string::npos) {
      host_bytes_ += static_cast<double>(launches * rows * inner) * 5;  // float32 read, bytes written
    }
  }

  void norm(const std::string& what) {
    const std::size_t rows = round_up(size_.positions, kArrayTile);
    for (const KernelSpec& spec : catalog_.kernels()) {
      if (spec.operation != Operation::kLayerNorm || spec.max_cols < size_.width) continue;
      add(what, spec, size_.layers, {.rows = rows, .cols = size_.width});
      return;
    }
    plan_.rows.push_back({.what = what, .kernel = fmt::format("CPU: no kernel takes rows of {}", size_.width)});
    host_bytes_ += static_cast<double>(size_.layers * rows * size_.width) * 13;
  }

  void attention() {
    const KernelSpec& spec = catalog_.at("attention_64");
    add("attention", spec, size_.layers,
        {.rows = round_up(size_.positions, kArrayTile), .heads = size_.heads, .keys = size_.positions});
    host_bytes_ += static_cast<double>(size_.layers * size_.positions * size_.width) * 3 * 5;
  }

  void host_packing() {
    plan_.rows.push_back({.what = "host: rounding to bytes, gathering",
                          .kernel = fmt::format("{:.0f} MB", host_bytes_ * 1e-6),
                          .host_s = host_bytes_ / constants_.host_bytes_per_s});
  }

  const Catalog& catalog_;
  const EncoderSize size_;
  const std::size_t columns_;
  const CostConstants constants_;
  EncoderPlan plan_;
  double host_bytes_ = 0;
};

}  // namespace

std::vector<MelPlan> plan_log_mel(const Catalog& catalog, std::size_t columns, const CostConstants& constants) {
  std::vector<MelPlan> plans;
  for (const KernelSpec& spec : catalog.kernels()) {
    if (spec.operation == Operation::kLogMel) plans.push_back(plan_batch(spec, columns, constants));
  }
  std::sort(plans.begin(), plans.end(), [](const MelPlan& a, const MelPlan& b) { return a.batch < b.batch; });
  plans.push_back(plan_batch(with_batch(catalog.at("log_mel_20"), 100), columns, constants));
  return plans;
}

MelPlan choose_log_mel(const std::vector<MelPlan>& plans) {
  const MelPlan* best = nullptr;
  for (const MelPlan& plan : plans) {
    if (plan.refused.empty() && (best == nullptr || plan.seconds_per_hour < best->seconds_per_hour)) best = &plan;
  }
  if (best == nullptr) throw Error(ErrorCode::kResourceExhausted, "no log-mel kernel of the NPU catalog fits a tile");
  return *best;
}

EncoderPlan plan_encoder(const Catalog& catalog, const EncoderSize& size, std::size_t columns,
                         const CostConstants& constants) {
  return EncoderPlanner(catalog, size, columns, constants).plan();
}

}  // namespace amanuensis::device::npu
