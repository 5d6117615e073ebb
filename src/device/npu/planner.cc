#include "device/npu/planner.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

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

  EncoderPlan plan(bool separate_kernels) {
    const std::size_t frames = 2 * size_.positions;
    product("first convolution", 1, frames, 3 * size_.n_mels, size_.width, {.gelu = true});
    rounds(frames * 3 * size_.n_mels * 5);  // float32 gathered, bytes written
    product("second convolution", 1, size_.positions, 3 * size_.width, size_.width, {.gelu = true});
    rounds(size_.positions * 3 * size_.width * 5);
    const KernelSpec& block = catalog_.at("encoder_block");
    const LaunchShape shape = {.rows = round_up(size_.positions, kArrayTile),
                               .inner = size_.width,
                               .cols = size_.ffn,
                               .heads = size_.heads,
                               .keys = size_.positions};
    if (!separate_kernels && block.unfit(shape).empty()) {
      whole_blocks(block, shape);
    } else {
      separate();
    }
    // Positions are added, and the last norm is taken, on the CPU.
    packs(size_.positions * size_.width * 24);
    add({.what = "host: gathering, rounding to bytes",
         .kernel = fmt::format("{:.0f} MB", static_cast<double>(rounded_bytes_) * 1e-6),
         .other_s = static_cast<double>(rounded_bytes_) / kHostRoundingBytesPerS});
    add({.what = "host: copying, positions, last norm",
         .kernel = fmt::format("{:.0f} MB", static_cast<double>(host_bytes_) * 1e-6),
         .other_s = static_cast<double>(host_bytes_) / constants_.host_bytes_per_s});
    add({.what = "changing the array's program",
         .kernel = fmt::format("{} times", plan_.programs),
         .other_s = static_cast<double>(plan_.programs) * constants_.program_s});
    for (const PlanRow& row : plan_.rows) {
      plan_.total_s += row.total_s();
      plan_.macs += row.cost.macs * static_cast<double>(row.times);
      plan_.launches += row.launches;
    }
    return plan_;
  }

 private:
  void add(PlanRow row) { plan_.rows.push_back(std::move(row)); }
  void rounds(std::size_t bytes) { rounded_bytes_ += bytes; }
  void packs(std::size_t bytes) { host_bytes_ += bytes; }
  void launches(const std::string& what, const KernelSpec& spec, std::size_t count, const LaunchShape& shape) {
    add({.what = what,
         .kernel = spec.name,
         .launches = count,
         .times = count,
         .cost = predict_launch(spec, shape, columns_, constants_)});
  }

  void whole_blocks(const KernelSpec& block, const LaunchShape& shape) {
    add({.what = "starting the blocks",
         .kernel = block.name,
         .launches = size_.layers,
         .cost = {.launch_s = constants_.launch_s}});
    for (PhaseCost& phase : predict_block(block, shape, columns_, constants_)) {
      add({.what = "  " + phase.what, .kernel = "a phase", .times = size_.layers, .cost = phase.cost});
    }
    // Activations go to the device's buffer and back, read and written each time.
    packs(size_.layers * shape.rows * shape.inner * 4 * 4);
    plan_.programs = 2;  // convolutions, blocks, and the next window's convolutions
  }

  void separate() {
    const std::size_t layers = size_.layers;
    const std::size_t values = size_.positions * size_.width;
    const bool norms = norm("norm before attention");
    product("query, key, value", layers, size_.positions, size_.width, 3 * size_.width, {});
    const std::size_t rows = round_up(size_.positions, kArrayTile);
    launches("attention", catalog_.at("attention_64"), layers,
             {.rows = rows, .heads = size_.heads, .keys = size_.positions});
    product("attention's projection, added", layers, size_.positions, size_.width, size_.width, {.add_residual = true});
    norm("norm before feed-forward");
    product("feed-forward up, GELU", layers, size_.positions, size_.width, size_.ffn, {.gelu = true});
    product("feed-forward down, added", layers, size_.positions, size_.ffn, size_.width, {.add_residual = true});
    // Rounding what attention reads, what it gives and the hidden layer; every launch's rows in and out.
    rounds(layers * (values * (3 * 5 + 5) + size_.positions * size_.ffn * 5));
    packs(layers * (values * 4 * 2 * 7 + size_.positions * size_.ffn * 4 * 2));
    plan_.programs = layers * (norms ? 6 : 2) + 1;
  }

  void product(const std::string& what, std::size_t count, std::size_t rows, std::size_t inner, std::size_t cols,
               LaunchShape shape) {
    shape.rows = round_up(rows, kArrayTile);
    shape.inner = round_up(inner, kRowTile);
    shape.cols = round_up(cols, kArrayTile);
    launches(what, catalog_.at("matmul_64"), count, shape);
  }

  // Whether the NPU does it.
  bool norm(const std::string& what) {
    const std::size_t rows = round_up(size_.positions, kArrayTile);
    for (const KernelSpec& spec : catalog_.kernels()) {
      if (spec.operation != Operation::kLayerNorm || spec.max_cols < size_.width) continue;
      launches(what, spec, size_.layers, {.rows = rows, .cols = size_.width});
      return true;
    }
    add({.what = what, .kernel = fmt::format("CPU: no kernel takes rows of {}", size_.width)});
    packs(size_.layers * rows * size_.width * 13);
    return false;
  }

  const Catalog& catalog_;
  const EncoderSize size_;
  const std::size_t columns_;
  const CostConstants constants_;
  EncoderPlan plan_;
  std::size_t host_bytes_ = 0;
  std::size_t rounded_bytes_ = 0;
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
                         const CostConstants& constants, bool separate_kernels) {
  return EncoderPlanner(catalog, size, columns, constants).plan(separate_kernels);
}

}  // namespace amanuensis::device::npu
