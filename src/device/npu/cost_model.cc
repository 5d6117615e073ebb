#include "device/npu/cost_model.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace amanuensis::device::npu {
namespace {

double ratio_up(std::size_t a, std::size_t b) { return static_cast<double>((a + b - 1) / b); }

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
  const std::size_t pieces = shape.rows / spec.tile * (shape.cols / spec.tile);
  const double passes = ratio_up(shape.rows / spec.tile, spec.tiles) * ratio_up(shape.cols / spec.tile, columns);
  const auto tile = static_cast<double>(spec.tile);
  const auto inner = static_cast<double>(shape.inner);
  cost.macs = static_cast<double>(pieces) * tile * tile * inner;
  const double cycles = tile * tile * inner / (constants.int8_macs_per_cycle * constants.efficiency) +
                        tile * tile / constants.values_per_cycle;
  cost.compute_s = passes * cycles / constants.clock_hz;
  cost.bytes_in = passes * static_cast<double>(spec.tiles + columns) * tile * inner;
  cost.bytes_out = static_cast<double>(shape.rows * shape.cols) * 4;
  if (shape.add_residual) cost.bytes_in += cost.bytes_out;
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
  cost.bytes_in = streams * static_cast<double>(key_blocks) * 2 * pairs +
                  static_cast<double>(shape.heads * shape.rows) * (tile + 4);
  cost.bytes_out = static_cast<double>(shape.heads * shape.rows) * tile * 4;
}

double values_of(const KernelSpec& spec, const LaunchShape& shape) {
  return static_cast<double>(spec.block_rows * std::max<std::size_t>(shape.cols, 1));
}

// Passes over a block's values, for each value that comes out.
double passes_of(Operation operation) {
  switch (operation) {
    case Operation::kLayerNorm:
      return 4;  // mean, variance, normalise and maximum, round
    case Operation::kSoftmax:
      return 3;  // maximum, sum, weights
    default:
      return 1;
  }
}

}  // namespace

std::span<const CostSource> cost_sources() {
  static constexpr CostConstants kDefault;
  static constexpr std::array<CostSource, 11> sources = {{
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
      {"host packing", kDefault.host_bytes_per_s * 1e-9, "GB/s", "assumed: below half of a laptop's memory bandwidth"},
  }};
  return sources;
}

LaunchCost predict_launch(const KernelSpec& spec, const LaunchShape& shape, std::size_t columns,
                          const CostConstants& constants) {
  if (spec.single_column) columns = 1;
  LaunchCost cost;
  cost.tiles = spec.tiles * columns;
  cost.launch_s = constants.launch_s;
  if (spec.operation == Operation::kMatmul) {
    cost_matmul(spec, shape, columns, constants, cost);
  } else if (spec.operation == Operation::kAttention) {
    cost_attention(spec, shape, columns, constants, cost);
  } else {
    const std::size_t blocks = shape.rows / spec.block_rows;
    const double busiest = busiest_share(blocks, cost.tiles);
    cost.compute_s = spec.operation == Operation::kLogMel
                         ? busiest * static_cast<double>(spec.block_rows) * constants.mel_frame_s
                         : busiest * values_of(spec, shape) * passes_of(spec.operation) /
                               (constants.values_per_cycle * constants.clock_hz);
    add_argument_bytes(spec, shape, cost);
  }
  const double bytes_per_s =
      constants.dma_bytes_per_cycle * constants.dma_channels * static_cast<double>(columns) * constants.clock_hz;
  cost.dma_s = std::max(cost.bytes_in, cost.bytes_out) / bytes_per_s;
  return cost;
}

}  // namespace amanuensis::device::npu
