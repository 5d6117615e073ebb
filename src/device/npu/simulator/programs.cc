#include "device/npu/simulator/programs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace amanuensis::device::npu {
namespace {

// A rectangle of a row-major matrix in the device's memory, in bytes.
struct Rectangle {
  std::size_t at = 0;
  std::size_t rows = 1;
  std::size_t row_bytes = 0;
  std::size_t stride_bytes = 0;
};

class Tile {
 public:
  explicit Tile(const TileJob& job) : job_(job) {}

  // Brings a rectangle of the argument into the tile, one row behind the other.
  template <typename T>
  const T* take(std::size_t argument, const Rectangle& from) {
    std::byte* element = job_.memory.next(argument);
    take_into(element, argument, from);
    return reinterpret_cast<const T*>(element);
  }
  void take_into(std::byte* element, std::size_t argument, const Rectangle& from) {
    for (std::size_t r = 0; r < from.rows; ++r) {
      std::memcpy(element + r * from.row_bytes, job_.arguments[argument].bytes.data() + from.at + r * from.stride_bytes,
                  from.row_bytes);
    }
  }

  // An element of an output, poisoned.
  template <typename T>
  T* give(std::size_t argument, std::size_t bytes) {
    std::byte* element = job_.memory.next(argument);
    job_.memory.poison(element, bytes);
    return reinterpret_cast<T*>(element);
  }
  // Sends an output element off to its rectangle.
  void send(std::size_t argument, const void* element, const Rectangle& to) {
    const auto* bytes = static_cast<const std::byte*>(element);
    const std::size_t poisoned = job_.memory.poisoned_rows(bytes, to.rows, to.row_bytes);
    if (poisoned > 0 && problem_.empty()) {
      problem_ = fmt::format("left {} of {} rows of its output '{}' unwritten", poisoned, to.rows,
                             job_.spec.arguments[argument].name);
    }
    for (std::size_t r = 0; r < to.rows; ++r) {
      const std::size_t at = to.at + r * to.stride_bytes;
      std::memcpy(job_.arguments[argument].bytes.data() + at, bytes + r * to.row_bytes, to.row_bytes);
      std::memset(job_.arguments[argument].written.data() + at, 1, to.row_bytes);
    }
  }

  bool has(std::size_t argument) const { return !job_.arguments[argument].bytes.empty(); }
  const TileJob& job() const { return job_; }

  // Whether all is well after a call of the kernel.
  bool check() {
    if (problem_.empty()) problem_ = job_.memory.damage();
    return problem_.empty();
  }
  const std::string& problem() const { return problem_; }

 private:
  const TileJob& job_;
  std::string problem_;
};

Rectangle whole_rows(std::size_t first, std::size_t rows, std::size_t row_bytes) {
  return {.at = first * row_bytes, .rows = rows, .row_bytes = row_bytes, .stride_bytes = row_bytes};
}

// Calls block(first row) for each block of rows that is this tile's.
template <typename Block>
void for_blocks(Tile& tile, const Block& block) {
  const TileJob& job = tile.job();
  const std::size_t blocks = job.shape.rows / job.spec.block_rows;
  for (std::size_t b = job.tile; b < blocks; b += job.tiles) {
    block(b * job.spec.block_rows);
    if (!tile.check()) return;
  }
}

void run_log_mel(Tile& tile) {
  const std::size_t rows = tile.job().spec.block_rows;
  for_blocks(tile, [&](std::size_t first) {
    const auto* frames = tile.take<std::int16_t>(0, whole_rows(first, rows, 800));
    auto* bands = tile.give<std::int8_t>(1, rows * 80);
    tile.job().kernels.log_mel(frames, bands, static_cast<std::int32_t>(rows));
    tile.send(1, bands, whole_rows(first, rows, 80));
  });
}

void run_gelu(Tile& tile) {
  const std::size_t rows = tile.job().spec.block_rows;
  const std::size_t cols = tile.job().shape.cols;
  const auto* table = tile.take<std::int8_t>(1, whole_rows(0, 1, 256));
  for_blocks(tile, [&](std::size_t first) {
    const auto* x = tile.take<std::int8_t>(0, whole_rows(first, rows, cols));
    auto* y = tile.give<std::int8_t>(2, rows * cols);
    tile.job().kernels.gelu(x, table, y, static_cast<std::int32_t>(rows * cols));
    tile.send(2, y, whole_rows(first, rows, cols));
  });
}

void run_softmax(Tile& tile) {
  const std::size_t rows = tile.job().spec.block_rows;
  const std::size_t cols = tile.job().shape.cols;
  for_blocks(tile, [&](std::size_t first) {
    const auto* scores = tile.take<std::int32_t>(0, whole_rows(first, rows, cols * 4));
    const auto* step = tile.take<std::int32_t>(1, whole_rows(first, rows, 4));
    auto* y = tile.give<std::int16_t>(2, rows * cols * 2);
    tile.job().kernels.softmax(scores, step, static_cast<std::int32_t>(rows), static_cast<std::int32_t>(cols), y);
    tile.send(2, y, whole_rows(first, rows, cols * 2));
  });
}

void run_layer_norm(Tile& tile) {
  const std::size_t rows = tile.job().spec.block_rows;
  const std::size_t cols = tile.job().shape.cols;
  const auto* gamma = tile.take<float>(1, whole_rows(0, 1, cols * 4));
  const auto* beta = tile.take<float>(2, whole_rows(0, 1, cols * 4));
  auto* scratch = reinterpret_cast<float*>(tile.job().memory.scratch());
  for_blocks(tile, [&](std::size_t first) {
    const auto* x = tile.take<float>(0, whole_rows(first, rows, cols * 4));
    auto* y = tile.give<std::int8_t>(3, rows * cols);
    auto* scale = tile.give<float>(4, rows * 4);
    tile.job().kernels.layer_norm(x, {gamma, beta, static_cast<std::int32_t>(rows), static_cast<std::int32_t>(cols)},
                                  scratch, y, scale);
    tile.send(3, y, whole_rows(first, rows, cols));
    tile.send(4, scale, whole_rows(first, rows, 4));
  });
}

void run_residual_add(Tile& tile) {
  const std::size_t rows = tile.job().spec.block_rows;
  const std::size_t cols = tile.job().shape.cols;
  for_blocks(tile, [&](std::size_t first) {
    const auto* a = tile.take<float>(0, whole_rows(first, rows, cols * 4));
    const auto* b = tile.take<float>(1, whole_rows(first, rows, cols * 4));
    auto* y = tile.give<float>(2, rows * cols * 4);
    tile.job().kernels.residual_add(a, b, y, static_cast<std::int32_t>(rows * cols));
    tile.send(2, y, whole_rows(first, rows, cols * 4));
  });
}

// Sums over all of K, one block of it after the other.
void accumulate(Tile& tile, std::size_t row, std::size_t col, std::int32_t* acc) {
  const TileJob& job = tile.job();
  const std::size_t t = job.spec.tile;
  const std::size_t inner = job.shape.inner;
  const auto multiply = t == 16 ? job.kernels.matmul_16 : t == 32 ? job.kernels.matmul_32 : job.kernels.matmul_64;
  job.kernels.matmul_clear(acc, static_cast<std::int32_t>(t * t));
  for (std::size_t k = 0; k < inner; k += t) {
    const Rectangle from_a = {.at = row * inner + k, .rows = t, .row_bytes = t, .stride_bytes = inner};
    if (job.spec.packed) {
      const Rectangle from_b = {
          .at = (job.shape.rows + col) * inner + k, .rows = t, .row_bytes = t, .stride_bytes = inner};
      std::byte* element = job.memory.next(0);
      tile.take_into(element, 0, from_a);
      tile.take_into(element + t * t, 0, from_b);
      const auto* a = reinterpret_cast<const std::int8_t*>(element);
      multiply(a, a + t * t, acc);
    } else {
      const Rectangle from_b = {.at = col * inner + k, .rows = t, .row_bytes = t, .stride_bytes = inner};
      const auto* a = tile.take<std::int8_t>(0, from_a);
      multiply(a, tile.take<std::int8_t>(1, from_b), acc);
    }
  }
}

void run_matmul(Tile& tile) {
  const TileJob& job = tile.job();
  const std::size_t t = job.spec.tile;
  const std::size_t stripe = job.spec.block_rows;
  const std::size_t cols = job.shape.cols;
  const std::size_t first_argument = job.spec.packed ? 1 : 2;  // behind the operands
  const std::size_t residual_argument = first_argument + 3;
  const std::size_t out = first_argument + 4;
  const std::size_t across = cols / t;
  const std::size_t pieces = job.shape.rows / t * across;
  auto* acc = reinterpret_cast<std::int32_t*>(job.memory.scratch());
  for (std::size_t piece = job.tile; piece < pieces; piece += job.tiles) {
    const std::size_t row = piece / across * t;
    const std::size_t col = piece % across * t;
    accumulate(tile, row, col, acc);
    const auto* row_scale = tile.take<float>(first_argument, whole_rows(row, t, 4));
    const auto* col_scale = tile.take<float>(first_argument + 1, whole_rows(col, t, 4));
    const auto* bias = tile.take<float>(first_argument + 2, whole_rows(col, t, 4));
    for (std::size_t r = 0; r < t; r += stripe) {
      const Rectangle place = {
          .at = ((row + r) * cols + col) * 4, .rows = stripe, .row_bytes = t * 4, .stride_bytes = cols * 4};
      const bool adds = job.shape.add_residual && tile.has(residual_argument);
      const float* residual = adds ? tile.take<float>(residual_argument, place) : nullptr;
      auto* y = tile.give<float>(out, stripe * t * 4);
      job.kernels.matmul_finish(acc + r * t,
                                {.row_scale = row_scale + r,
                                 .col_scale = col_scale,
                                 .bias = bias,
                                 .residual = residual,
                                 .rows = static_cast<std::int32_t>(stripe),
                                 .cols = static_cast<std::int32_t>(t),
                                 .gelu = job.shape.gelu ? 1 : 0},
                                y);
      tile.send(out, y, place);
    }
    if (!tile.check()) return;
  }
}

void run_attention(Tile& tile) {
  const TileJob& job = tile.job();
  const std::size_t t = job.spec.tile;
  const std::size_t rows = job.shape.rows;
  const std::size_t blocks = rows / t;
  const std::size_t pieces = job.shape.heads * blocks;
  const std::size_t row_bytes = job.shape.heads * t * 4;
  auto* state = reinterpret_cast<tile::AttentionState*>(job.memory.scratch());
  for (std::size_t piece = job.tile; piece < pieces; piece += job.tiles) {
    const std::size_t head = piece / blocks;
    const std::size_t first = piece % blocks * t;
    const auto* q = tile.take<std::int8_t>(0, whole_rows(head * rows + first, t, t));
    const auto* step = tile.take<std::int32_t>(1, whole_rows(head * rows + first, t, 4));
    const auto* v_scale = tile.take<float>(4, whole_rows(head * t, t, 4));
    job.kernels.attention_begin(state);
    for (std::size_t key = 0; key < job.shape.keys; key += t) {
      const auto* k = tile.take<std::int8_t>(2, whole_rows(head * rows + key, t, t));
      const auto* v =
          tile.take<std::int8_t>(3, {.at = head * t * rows + key, .rows = t, .row_bytes = t, .stride_bytes = rows});
      const std::size_t keys = std::min(t, job.shape.keys - key);
      job.kernels.attention_accumulate(
          {.q = q, .q_step = step, .k = k, .v = v, .keys = static_cast<std::int32_t>(keys)}, state);
    }
    for (std::size_t r = 0; r < t; r += job.spec.block_rows) {
      auto* y = tile.give<float>(5, job.spec.block_rows * t * 4);
      job.kernels.attention_finish(state, v_scale, static_cast<std::int32_t>(r),
                                   static_cast<std::int32_t>(job.spec.block_rows), y);
      tile.send(5, y,
                {.at = (first + r) * row_bytes + head * t * 4,
                 .rows = job.spec.block_rows,
                 .row_bytes = t * 4,
                 .stride_bytes = row_bytes});
    }
    if (!tile.check()) return;
  }
}

// Rows of float32 rounded to bytes, each row in as many elements as it needs.
void run_quantize_rows(Tile& tile) {
  const std::size_t cols = tile.job().shape.cols;
  constexpr std::size_t kPart = tile::kRowPart;
  for_blocks(tile, [&](std::size_t row) {
    std::array<const float*, tile::kRowParts> parts = {};
    for (std::size_t p = 0; p * kPart < cols; ++p) {
      const std::size_t values = std::min(kPart, cols - p * kPart);
      parts.at(p) = tile.take<float>(0, {.at = (row * cols + p * kPart) * 4, .row_bytes = values * 4});
    }
    auto* y = tile.give<std::int8_t>(1, cols);
    auto* scale = tile.give<float>(2, 4);
    tile.job().kernels.quantize_row(parts.data(), static_cast<std::int32_t>(cols), y, scale);
    tile.send(1, y, whole_rows(row, 1, cols));
    tile.send(2, scale, whole_rows(row, 1, 4));
  });
}

// A head each: once over its rows for what they span, then once more to round queries, keys and values.
class AttentionInputProgram {
 public:
  explicit AttentionInputProgram(Tile& tile)
      : tile_(tile), job_(tile.job()), input_(reinterpret_cast<tile::AttentionInput*>(job_.memory.scratch())) {}

  void run() {
    for (std::size_t head = job_.tile; head < job_.shape.heads; head += job_.tiles) {
      look(head);
      for (std::size_t row = 0; row < job_.shape.rows; row += kRows) round(head, row);
      if (!tile_.check()) return;
    }
  }

 private:
  static constexpr std::size_t kRows = tile::kInputRows;
  static constexpr std::size_t kDim = tile::kHeadDim;
  static constexpr std::size_t kScales = 32;  // in a short element

  // which: 0 queries, 1 keys, 2 values
  const float* stripe(std::size_t head, std::size_t which, std::size_t row) {
    const std::size_t cols = job_.shape.cols;
    return tile_.take<float>(0, {.at = (row * cols + which * cols / 3 + head * kDim) * 4,
                                 .rows = kRows,
                                 .row_bytes = kDim * 4,
                                 .stride_bytes = cols * 4});
  }

  void look(std::size_t head) {
    job_.kernels.input_begin(input_);
    for (std::size_t row = 0; row < job_.shape.keys; row += kRows) {
      const auto rows = static_cast<std::int32_t>(std::min(kRows, job_.shape.keys - row));
      const float* q = stripe(head, 0, row);
      const float* k = stripe(head, 1, row);
      job_.kernels.input_see(q, k, stripe(head, 2, row), rows, input_);
    }
    job_.kernels.input_settle(input_);
    for (std::size_t c = 0; c < kDim; c += kScales) {
      auto* v_scale = tile_.give<float>(5, kScales * 4);
      job_.kernels.input_scales(input_, static_cast<std::int32_t>(c), static_cast<std::int32_t>(kScales), v_scale);
      tile_.send(5, v_scale, {.at = (head * kDim + c) * 4, .row_bytes = kScales * 4});
    }
  }

  void round(std::size_t head, std::size_t row) {
    const std::size_t rows = job_.shape.rows;
    constexpr auto kCount = static_cast<std::int32_t>(kRows);
    auto* q = tile_.give<std::int8_t>(1, kRows * kDim);
    auto* step = tile_.give<std::int32_t>(2, kRows * 4);
    job_.kernels.round_queries(input_, stripe(head, 0, row), kCount, q, step);
    tile_.send(1, q, whole_rows(head * rows + row, kRows, kDim));
    tile_.send(2, step, whole_rows(head * rows + row, kRows, 4));
    auto* k = tile_.give<std::int8_t>(3, kRows * kDim);
    job_.kernels.round_keys(input_, stripe(head, 1, row), kCount, k);
    tile_.send(3, k, whole_rows(head * rows + row, kRows, kDim));
    auto* v = tile_.give<std::int8_t>(4, kRows * kDim);
    job_.kernels.round_values(input_, stripe(head, 2, row), kCount, kCount, v);
    tile_.send(4, v, {.at = head * kDim * rows + row, .rows = kDim, .row_bytes = kRows, .stride_bytes = rows});
  }

  Tile& tile_;
  const TileJob& job_;
  tile::AttentionInput* input_;
};

}  // namespace

std::string run_tile(const TileJob& job) {
  Tile tile(job);
  switch (job.spec.operation) {
    case Operation::kLogMel:
      run_log_mel(tile);
      break;
    case Operation::kGelu:
      run_gelu(tile);
      break;
    case Operation::kSoftmax:
      run_softmax(tile);
      break;
    case Operation::kLayerNorm:
      run_layer_norm(tile);
      break;
    case Operation::kResidualAdd:
      run_residual_add(tile);
      break;
    case Operation::kMatmul:
      run_matmul(tile);
      break;
    case Operation::kAttention:
      run_attention(tile);
      break;
    case Operation::kQuantizeRows:
      run_quantize_rows(tile);
      break;
    case Operation::kAttentionInput:
      AttentionInputProgram(tile).run();
      break;
    case Operation::kEncoderBlock:
      return "cannot run a whole block: its phases are run one by one";
  }
  return tile.problem();
}

}  // namespace amanuensis::device::npu
