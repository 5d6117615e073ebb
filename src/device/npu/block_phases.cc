#include "device/npu/block_phases.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "device/npu/kernels/encoder_block.h"

namespace amanuensis::device::npu {
namespace {

constexpr std::size_t kTile = 64;

Extent named(const char* name) { return {.name = name}; }
Extent number(std::size_t value) { return {.number = value}; }

// An argument with its FIFO.
struct Wire {
  ArgumentSpec argument;
  std::size_t channel = 0;
  std::vector<std::size_t> element;
  std::size_t depth = 2;
};

Wire in(const char* name, ValueType type, std::vector<Extent> shape, std::size_t channel,
        std::vector<std::size_t> element, std::size_t depth) {
  return {{.name = name, .direction = Direction::kIn, .type = type, .shape = std::move(shape)},
          channel,
          std::move(element),
          depth};
}
Wire out(const char* name, ValueType type, std::vector<Extent> shape, std::size_t channel,
         std::vector<std::size_t> element) {
  return {{.name = name, .direction = Direction::kOut, .type = type, .shape = std::move(shape)},
          channel,
          std::move(element),
          2};
}
Wire once(Wire wire) {
  wire.argument.once = true;
  return wire;
}

class Phases {
 public:
  Phases(const KernelSpec& spec, const LaunchShape& shape) : block_(spec), shape_(shape), at_(shape) {}

  std::vector<BlockPhase> all() {
    norm("norm before attention", {BlockArgument::kX, 0}, at_.attention_norm, at_.codes, at_.scales);
    product("query, key, value", at_.codes, at_.scales, at_.query_key_value, {}, work(at_.qkv), false);
    attention_input();
    attention();
    rounding("rounding what was attended", at_.attended, shape_.inner, at_.attended_codes, at_.attended_scales);
    product("attention's projection, added", at_.attended_codes, at_.attended_scales, at_.attention_out,
            {BlockArgument::kX, 0}, work(at_.middle), false);
    norm("norm before feed-forward", work(at_.middle), at_.mlp_norm, at_.middle_codes, at_.middle_scales);
    product("feed-forward up, GELU", at_.middle_codes, at_.middle_scales, at_.up, {}, work(at_.hidden), true);
    rounding("rounding the hidden layer", at_.hidden, shape_.cols, at_.hidden_codes, at_.hidden_scales);
    product("feed-forward down, added", at_.hidden_codes, at_.hidden_scales, at_.down, work(at_.middle),
            {BlockArgument::kY, 0}, false);
    for (const BlockPhase& phase : phases_) check(phase);
    return std::move(phases_);
  }

 private:
  static BlockSlice work(std::size_t at) { return {BlockArgument::kWork, at}; }
  static BlockSlice weights(std::size_t at) { return {BlockArgument::kWeights, at}; }

  BlockPhase& add(const std::string& what, Operation operation, std::vector<Wire> wires, const LaunchShape& shape) {
    BlockPhase& phase = phases_.emplace_back();
    phase.what = what;
    phase.shape = shape;
    KernelSpec& spec = phase.spec;
    spec.name = fmt::format("{} ({})", block_.name, what);
    spec.operation = operation;
    spec.tiles = block_.tiles;
    spec.memory = block_.memory;
    for (Wire& wire : wires) {
      FifoSpec fifo = {.argument = wire.argument.name,
                       .channel = wire.channel,
                       .element = wire.element,
                       .depth = wire.depth,
                       .element_bytes = size_of(wire.argument.type)};
      for (const std::size_t extent : wire.element) fifo.element_bytes *= extent;
      spec.fifos.push_back(std::move(fifo));
      spec.arguments.push_back(std::move(wire.argument));
    }
    return phase;
  }

  void norm(const std::string& what, BlockSlice x, const PackedNorm& norm, std::size_t codes, std::size_t scales) {
    const std::size_t width = shape_.inner;
    std::size_t rows = 4;  // so many that an element holds them
    while (rows * width > tile::kRowPart && rows > 1) rows /= 2;
    const auto F = ValueType::kFloat32;
    BlockPhase& phase =
        add(what, Operation::kLayerNorm,
            {in("x", F, {named("rows"), named("cols")}, 0, {rows, width}, 2),
             once(in("gamma", F, {named("cols")}, 1, {width}, 1)), once(in("beta", F, {named("cols")}, 1, {width}, 1)),
             out("y", ValueType::kInt8, {named("rows"), named("cols")}, 0, {rows, width}),
             out("y_scale", F, {named("rows")}, 1, {rows})},
            {.rows = shape_.rows, .cols = width});
    phase.spec.block_rows = rows;
    phase.slices = {x, weights(norm.gamma), weights(norm.beta), work(codes), work(scales)};
  }

  void product(const std::string& what, std::size_t codes, std::size_t scales, const PackedProduct& product,
               BlockSlice residual, BlockSlice y, bool gelu) {
    const bool adds = residual.of != BlockArgument::kX || &product == &at_.attention_out;
    const auto F = ValueType::kFloat32;
    std::vector<Wire> wires = {in("a", ValueType::kInt8, {named("rows"), named("inner")}, 0, {kTile, kTile}, 2),
                               in("b", ValueType::kInt8, {named("cols"), named("inner")}, 1, {kTile, kTile}, 2),
                               in("row_scale", F, {named("rows")}, 1, {kTile}, 1),
                               in("col_scale", F, {named("cols")}, 1, {kTile}, 1),
                               in("bias", F, {named("cols")}, 1, {kTile}, 1),
                               in("residual", F, {named("rows"), named("cols")}, 0, {block_.block_rows, kTile}, 1),
                               out("y", F, {named("rows"), named("cols")}, 0, {block_.block_rows, kTile})};
    wires[5].argument.optional = true;
    BlockPhase& phase =
        add(what, Operation::kMatmul, std::move(wires),
            {.rows = shape_.rows, .inner = product.in, .cols = product.out, .gelu = gelu, .add_residual = adds});
    phase.spec.tile = kTile;
    phase.spec.block_rows = block_.block_rows;
    residual.absent = !adds;
    phase.slices = {
        work(codes), weights(product.codes), work(scales), weights(product.scales), weights(product.bias), residual, y};
  }

  void attention_input() {
    const auto B = ValueType::kInt8;
    const auto F = ValueType::kFloat32;
    const auto head_rows = std::vector<Extent>{named("heads"), named("rows"), number(kTile)};
    const std::size_t rows = tile::kInputRows;
    BlockPhase& phase = add(
        "rounding queries, keys, values", Operation::kAttentionInput,
        {in("qkv", F, {named("rows"), named("cols")}, 0, {rows, kTile}, 3), out("q", B, head_rows, 0, {rows, kTile}),
         out("q_step", ValueType::kInt32, {named("heads"), named("rows")}, 1, {rows}),
         out("k", B, head_rows, 0, {rows, kTile}),
         out("v", B, {named("heads"), number(kTile), named("rows")}, 0, {kTile, rows}),
         out("v_scale", F, {named("heads"), number(kTile)}, 1, {kTile / 2})},
        {.rows = shape_.rows, .cols = 3 * shape_.inner, .heads = shape_.heads, .keys = shape_.keys});
    phase.spec.block_rows = rows;
    phase.slices = {work(at_.qkv), work(at_.q), work(at_.q_step), work(at_.k), work(at_.v), work(at_.v_scale)};
  }

  void attention() {
    const auto B = ValueType::kInt8;
    const auto F = ValueType::kFloat32;
    const auto head_rows = std::vector<Extent>{named("heads"), named("rows"), number(kTile)};
    BlockPhase& phase =
        add("attention", Operation::kAttention,
            {in("q", B, head_rows, 0, {kTile, kTile}, 1),
             in("q_step", ValueType::kInt32, {named("heads"), named("rows")}, 0, {kTile}, 1),
             in("k", B, head_rows, 1, {kTile, kTile}, 2),
             in("v", B, {named("heads"), number(kTile), named("rows")}, 1, {kTile, kTile}, 2),
             in("v_scale", F, {named("heads"), number(kTile)}, 0, {kTile}, 1),
             out("y", F, {named("rows"), named("heads"), number(kTile)}, 0, {block_.block_rows, kTile})},
            {.rows = shape_.rows, .heads = shape_.heads, .keys = shape_.keys});
    phase.spec.tile = kTile;
    phase.spec.block_rows = block_.block_rows;
    phase.slices = {work(at_.q), work(at_.q_step), work(at_.k), work(at_.v), work(at_.v_scale), work(at_.attended)};
  }

  void rounding(const std::string& what, std::size_t from, std::size_t cols, std::size_t codes, std::size_t scales) {
    const auto part = static_cast<std::size_t>(tile::kRowPart);
    BlockPhase& phase = add(what, Operation::kQuantizeRows,
                            {in("x", ValueType::kFloat32, {named("rows"), named("cols")}, 0, {1, part}, 3),
                             out("y", ValueType::kInt8, {named("rows"), named("cols")}, 0, {1, cols}),
                             out("y_scale", ValueType::kFloat32, {named("rows")}, 1, {1})},
                            {.rows = shape_.rows, .cols = cols});
    phase.spec.block_rows = 1;
    phase.slices = {work(from), work(codes), work(scales)};
  }

  // Channels are what the phases have in common: each must hold what a phase holds at once.
  void check(const BlockPhase& phase) const {
    for (const Direction direction : {Direction::kIn, Direction::kOut}) {
      for (std::size_t channel = 0; channel < 2; ++channel) {
        std::size_t element = 0;
        std::size_t depth = 0;
        for (const FifoSpec& fifo : phase.spec.fifos) {
          if (fifo.channel != channel || phase.spec.argument(fifo.argument).direction != direction) continue;
          element = std::max(element, fifo.element_bytes);
          // Outputs of one phase are filled one after the other.
          depth = direction == Direction::kIn ? depth + fifo.depth : std::max(depth, fifo.depth);
        }
        const auto stream = std::find_if(block_.fifos.begin(), block_.fifos.end(), [&](const FifoSpec& fifo) {
          return fifo.channel == channel && block_.argument(fifo.argument).direction == direction;
        });
        if (depth == 0 ||
            (stream != block_.fifos.end() && stream->element_bytes >= element && stream->depth >= depth)) {
          continue;
        }
        throw Error(
            ErrorCode::kBadData,
            fmt::format("NPU kernel {}: the phase '{}' needs {} elements of {} bytes {}wards on channel {}; the "
                        "catalog states fewer or smaller ones",
                        block_.name, phase.what, depth, element, direction == Direction::kIn ? "in" : "out", channel));
      }
    }
  }

  const KernelSpec& block_;
  const LaunchShape shape_;
  const BlockLayout at_;
  std::vector<BlockPhase> phases_;
};

// Hands out places in a buffer.
class Places {
 public:
  std::size_t take(std::size_t bytes) {
    const std::size_t at = next_;
    next_ += bytes;
    return at;
  }
  std::size_t size() const { return next_; }

 private:
  std::size_t next_ = 0;
};

}  // namespace

BlockLayout::BlockLayout(const LaunchShape& shape) {
  const std::size_t rows = shape.rows;
  const std::size_t width = shape.inner;
  const std::size_t ffn = shape.cols;
  Places weights;
  const auto norm = [&] { return PackedNorm{.gamma = weights.take(width * 4), .beta = weights.take(width * 4)}; };
  const auto product = [&](std::size_t out, std::size_t in) {
    return PackedProduct{.codes = weights.take(out * in),
                         .scales = weights.take(out * 4),
                         .bias = weights.take(out * 4),
                         .in = in,
                         .out = out};
  };
  attention_norm = norm();
  query_key_value = product(3 * width, width);
  attention_out = product(width, width);
  mlp_norm = norm();
  up = product(ffn, width);
  down = product(width, ffn);
  weights_bytes = weights.size();

  Places work;
  codes = work.take(rows * width);
  scales = work.take(rows * 4);
  qkv = work.take(rows * 3 * width * 4);
  q = work.take(shape.heads * rows * kTile);
  q_step = work.take(shape.heads * rows * 4);
  k = work.take(shape.heads * rows * kTile);
  v = work.take(shape.heads * rows * kTile);
  v_scale = work.take(shape.heads * kTile * 4);
  attended = work.take(rows * width * 4);
  attended_codes = work.take(rows * width);
  attended_scales = work.take(rows * 4);
  middle = work.take(rows * width * 4);
  middle_codes = work.take(rows * width);
  middle_scales = work.take(rows * 4);
  hidden = work.take(rows * ffn * 4);
  hidden_codes = work.take(rows * ffn);
  hidden_scales = work.take(rows * 4);
  work_bytes = work.size();
}

std::vector<BlockPhase> block_phases(const KernelSpec& spec, const LaunchShape& shape) {
  spec.check_shape(shape);
  return Phases(spec, shape).all();
}

}  // namespace amanuensis::device::npu
