#include "device/npu/cost_model.h"

#include <algorithm>
#include <array>

#include "device/npu/block_phases.h"
#include "device/npu/planner.h"

namespace amanuensis::device::npu {
namespace {

double ratio_up(std::size_t a, std::size_t b) {
  const std::size_t whole = (a + b - 1) / b;
  return static_cast<double>(whole);
}

// Work that the tiles share out in equal pieces: the time of the tile with the most of them.
double busiest_share(std::size_t pieces, std::size_t tiles) { return ratio_up(pieces, tiles); }

void add_argument_bytes(const KernelSpec& spec, const LaunchShape& shape, LaunchCost& cost) {
  for (const ArgumentSpec& argument : spec.arguments) {
    const auto bytes = static_cast<double>(argument.size_bytes(shape));
    (argument.direction == Direction::kIn ? cost.bytes_in : cost.bytes_out) += bytes;
  }
}

// A pass computes one tile of the result on every compute tile: as many row blocks as a column has tiles, as many
// column blocks as there are columns. Both operands stream in once a pass, broadcast along rows and columns.
void cost_matmul(const KernelSpec& spec, const LaunchShape& shape, std::size_t columns, const CostConstants& constants,
                 LaunchCost& cost) {
  const std::size_t row_tiles = shape.rows / spec.tile;
  const std::size_t col_tiles = shape.cols / spec.tile;
  const std::size_t pieces = row_tiles * col_tiles;
  const double passes = ratio_up(row_tiles, spec.tiles) * ratio_up(col_tiles, columns);
  const auto tile = static_cast<double>(spec.tile);
  const auto inner = static_cast<double>(shape.inner);
  cost.macs = static_cast<double>(pieces) * tile * tile * inner;
  const double cycles = tile * tile * inner / (constants.int8_macs_per_cycle * constants.efficiency) +
                        tile * tile / constants.values_per_cycle;
  cost.compute_s = passes * cycles / constants.clock_hz;
  cost.bytes_in = passes * static_cast<double>(spec.tiles + columns) * tile * inner;
  const std::size_t values = shape.rows * shape.cols;
  cost.bytes_out = static_cast<double>(values) * 4;
  if (shape.add_residual) cost.bytes_in += cost.bytes_out;
  // Operands, scales, bias and result for each column; the residual where there is one.
  cost.descriptors = passes * static_cast<double>(columns) * (shape.add_residual ? 7 : 6);
}

// Each tile holds 64 queries of a head; keys and values of that head stream past, broadcast to the tiles of a column.
void cost_attention(const KernelSpec& spec, const LaunchShape& shape, std::size_t columns,
                    const CostConstants& constants, LaunchCost& cost) {
  const std::size_t blocks = shape.rows / spec.tile;
  const std::size_t key_blocks = (shape.keys + spec.tile - 1) / spec.tile;
  const auto tile = static_cast<double>(spec.tile);
  const double pairs = tile * tile;  // of a query and a key, in one block
  const double cycles = pairs * tile / (constants.int8_macs_per_cycle * constants.efficiency) +
                        pairs * tile / (constants.int16_int8_macs_per_cycle * constants.efficiency) +
                        pairs / constants.exps_per_cycle;
  const double busiest = busiest_share(shape.heads * blocks, cost.tiles);
  cost.compute_s = busiest * static_cast<double>(key_blocks) * cycles / constants.clock_hz;
  cost.macs = static_cast<double>(shape.heads * blocks * key_blocks) * 2 * pairs * tile;
  const double streams = busiest * static_cast<double>(columns);
  const std::size_t queries = shape.heads * shape.rows;
  cost.bytes_in = streams * static_cast<double>(key_blocks) * 2 * pairs + static_cast<double>(queries) * (tile + 4);
  cost.bytes_out = static_cast<double>(queries) * tile * 4;
  cost.descriptors = streams * (4 + 2 * static_cast<double>(key_blocks));
}

// A tile takes whole heads, twice: to see what they span, and to round them.
void cost_attention_input(const LaunchShape& shape, const CostConstants& constants, LaunchCost& cost) {
  const std::size_t values = shape.rows * 3 * 64;  // of a head
  const double busiest = busiest_share(shape.heads, cost.tiles);
  cost.compute_s = busiest * static_cast<double>(values) * 2 / (constants.values_per_cycle * constants.clock_hz);
  const std::size_t all = values * shape.heads;
  cost.bytes_in = static_cast<double>(all) * 4 * 2;
  cost.bytes_out = static_cast<double>(all);
  cost.descriptors = static_cast<double>(shape.heads) * 12;
}

double values_of(const KernelSpec& spec, const LaunchShape& shape) {
  const std::size_t values = spec.block_rows * std::max<std::size_t>(shape.cols, 1);
  return static_cast<double>(values);
}

// Passes over a block's values, for each value that comes out.
double passes_of(Operation operation) {
  switch (operation) {
    case Operation::kLayerNorm:
      return 4;  // mean, variance, normalise and maximum, round
    case Operation::kSoftmax:
      return 3;  // maximum, sum, weights
    case Operation::kQuantizeRows:
      return 2;  // maximum, round
    default:
      return 1;
  }
}

// How long one launch keeps the array busy, without its start.
LaunchCost cost_on_array(const KernelSpec& spec, const LaunchShape& shape, std::size_t columns,
                         const CostConstants& constants) {
  LaunchCost cost;
  cost.tiles = spec.tiles * columns;
  if (spec.operation == Operation::kMatmul) {
    cost_matmul(spec, shape, columns, constants, cost);
  } else if (spec.operation == Operation::kAttention) {
    cost_attention(spec, shape, columns, constants, cost);
  } else if (spec.operation == Operation::kAttentionInput) {
    cost_attention_input(shape, constants, cost);
  } else {
    const std::size_t blocks = shape.rows / spec.block_rows;
    const double busiest = busiest_share(blocks, cost.tiles);
    cost.compute_s = spec.operation == Operation::kLogMel
                         ? busiest * static_cast<double>(spec.block_rows) * constants.mel_frame_s
                         : busiest * values_of(spec, shape) * passes_of(spec.operation) /
                               (constants.values_per_cycle * constants.clock_hz);
    add_argument_bytes(spec, shape, cost);
    cost.descriptors = static_cast<double>(spec.arguments.size() * columns);
  }
  const double bytes_per_s =
      constants.dma_bytes_per_cycle * constants.dma_channels * static_cast<double>(columns) * constants.clock_hz;
  cost.dma_s = std::max(cost.bytes_in, cost.bytes_out) / bytes_per_s + cost.descriptors * constants.descriptor_s;
  cost.overlapped_s = std::max(cost.compute_s, cost.dma_s);
  return cost;
}

}  // namespace

std::span<const CostSource> cost_sources() {
  static constexpr CostConstants kDefault;
  static constexpr std::array<CostSource, 15> sources = {{
      {"launch", kDefault.launch_s * 1e3, "ms", "measured on Phoenix by the earlier project: one run, start to end"},
      {"mel frame", kDefault.mel_frame_s * 1e6, "us", "measured there: one frame on one tile, scalar code"},
      {"clock", kDefault.clock_hz * 1e-9, "GHz", "AMD gives 1.0 to 1.6 GHz for Phoenix; the lowest is taken"},
      {"int8 x int8", kDefault.int8_macs_per_cycle, "MAC/cycle/tile", "AMD AM020, AIE-ML vector unit"},
      {"int16 x int8", kDefault.int16_int8_macs_per_cycle, "MAC/cycle/tile", "AMD AM020, AIE-ML vector unit"},
      {"efficiency", kDefault.efficiency, "of that",
       "assumed, for vector code: 4.9 TOP/s of the array, below the 6.76 measured for int8 (arXiv 2512.13282)"},
      {"elementwise", kDefault.values_per_cycle, "values/cycle/tile", "assumed"},
      {"exp by table", kDefault.exps_per_cycle, "values/cycle/tile", "assumed"},
      {"stream", kDefault.dma_bytes_per_cycle, "bytes/cycle", "AMD AM020: 32-bit streams at the array's edge"},
      {"channels", kDefault.dma_channels, "per column and direction", "AMD AM020: shim DMA"},
      {"descriptor", kDefault.descriptor_s * 1e6, "us",
       "assumed: the array's controller writes about ten registers for each transfer of the instruction stream"},
      {"phase", kDefault.phase_s * 1e6, "us",
       "assumed: the last transfer of a block's phase awaited, the next one filled"},
      {"array program", kDefault.program_s * 1e3, "ms",
       "assumed: another kernel's program loaded into the array; nobody measured it for these"},
      {"host rounding", kHostRoundingBytesPerS * 1e-9, "GB/s",
       "one thread of a Zen 4 that others worked on as well gave 6.9; `npu bench` prints this CPU's"},
      {"host copying", kDefault.host_bytes_per_s * 1e-9, "GB/s",
       "assumed: read and written by one thread that copies; `npu bench` prints this CPU's"},
  }};
  return sources;
}

std::vector<PhaseCost> predict_block(const KernelSpec& spec, const LaunchShape& shape, std::size_t columns,
                                     const CostConstants& constants) {
  std::vector<PhaseCost> costs;
  for (const BlockPhase& phase : block_phases(spec, shape)) {
    PhaseCost& cost =
        costs.emplace_back(PhaseCost{phase.what, cost_on_array(phase.spec, phase.shape, columns, constants)});
    cost.cost.overlapped_s += constants.phase_s;
  }
  return costs;
}

LaunchCost predict_launch(const KernelSpec& spec, const LaunchShape& shape, std::size_t columns,
                          const CostConstants& constants) {
  if (spec.single_column) columns = 1;
  LaunchCost total;
  if (spec.operation == Operation::kEncoderBlock) {
    for (const PhaseCost& phase : predict_block(spec, shape, columns, constants)) {
      total.tiles = phase.cost.tiles;
      total.macs += phase.cost.macs;
      total.bytes_in += phase.cost.bytes_in;
      total.bytes_out += phase.cost.bytes_out;
      total.descriptors += phase.cost.descriptors;
      total.compute_s += phase.cost.compute_s;
      total.dma_s += phase.cost.dma_s;
      total.overlapped_s += phase.cost.overlapped_s;
    }
  } else {
    total = cost_on_array(spec, shape, columns, constants);
  }
  total.launch_s = constants.launch_s;
  return total;
}

}  // namespace amanuensis::device::npu
