// The packed matrix product over a multiplication policy `D` (gemm_policies_<isa>.h), which says how a unit of four
// bytes is made, broadcast, multiplied and turned back into float32. Templates over types with internal linkage.
//
// A tile of R rows times P panels is summed in registers over the whole inner dimension: a broadcast of each row's unit
// meets the vectors of one line of each panel. Rows that fit one block use several panels at once, to have enough
// independent sums and enough streams of weights in flight.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/gemm/gemm.h"
#include "kernels/simd/vector_math.h"

namespace amanuensis::kernels {

// Vectors of outputs in one panel.
inline constexpr int kPanelVectors = 2;

template <typename D>
inline constexpr std::size_t kPolicyPanelCols = kPanelVectors* D::V::kLanes;

// Policies whose rows are unsigned have a zero point of their own for each row, which uses all bits of lopsided rows
// (those behind a GELU): D::row_range and D::pack_from instead of D::row_step and D::pack_chunk, and one more argument
// of D::finish. Zero points are bytes behind the steps in a block's header.
template <typename D>
concept HasZeroPoints = requires {
  D::kZeroPointsAt;
};

// As GemmVariant::units and block_bytes.
template <typename D>
constexpr std::size_t policy_units(std::size_t in) {
  constexpr std::size_t kChunkValues = kChunkUnits * D::kValues;
  return (in + kChunkValues - 1) / kChunkValues * kChunkUnits;
}

template <typename D>
constexpr std::size_t policy_block_bytes(std::size_t in) {
  return kBlockHeaderBytes + policy_units<D>(in) * 4 * D::kBlockRows;
}

// Panels at once for a lone block of R rows: as many as leave the sums in registers.
template <typename D, int R>
constexpr int panels_at_once() {
  if (R * kPanelVectors * 4 <= D::kMaxSums) return 4;
  if (R * kPanelVectors * 2 <= D::kMaxSums) return 2;
  return 1;
}

// Weights that a tile asks for while it works on others: those of the panels that come next, from memory. With few
// rows to multiply, reading weights takes as long as multiplying them, and the two must not wait for each other. Each
// tile of the same panels asks for its share: `step` bytes for each unit of its own.
struct WeightsAhead {
  const std::byte* first = nullptr;
  std::size_t step = 0;
};

// sums += block * panels, over `units` units (whole chunks). `panel_stride` is in units.
template <typename D, int R, int P, bool kAsksAhead = false>
[[gnu::always_inline]] inline void accumulate(typename D::Sum (&sums)[R][P * kPanelVectors], const std::uint32_t* a,
                                              const std::uint32_t* b, std::size_t panel_stride, std::size_t units,
                                              const WeightsAhead& ahead = {}) {
  constexpr std::size_t kCols = kPolicyPanelCols<D>;
  [[maybe_unused]] constexpr std::size_t kLine = 64;
  [[maybe_unused]] const std::byte* next = ahead.first;
  for (const std::uint32_t* end = b + units * kCols; b != end; a += static_cast<std::size_t>(R - 1) * kChunkUnits) {
#pragma GCC unroll 2
    for (std::size_t u = 0; u < kChunkUnits; ++u) {
      if constexpr (kAsksAhead) {
#pragma GCC unroll 8
        for (std::size_t byte = 0; byte < P * kCols * 4; byte += kLine) __builtin_prefetch(next + byte, 0, 2);
        next += ahead.step;
      }
      typename D::Right right[P * kPanelVectors];
#pragma GCC unroll 8
      for (int c = 0; c < P * kPanelVectors; ++c) {
        const std::size_t panel = static_cast<std::size_t>(c / kPanelVectors);
        const std::size_t vector = static_cast<std::size_t>(c % kPanelVectors);
        right[c] = D::load(b + panel * panel_stride + vector * D::V::kLanes);
      }
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
        const typename D::Left left = D::broadcast(a + static_cast<std::size_t>(r) * kChunkUnits);
#pragma GCC unroll 8
        for (int c = 0; c < P * kPanelVectors; ++c) sums[r][c] = D::dot(sums[r][c], left, right[c]);
      }
      ++a;
      b += kCols;
    }
  }
}

// Policies that round weights have a step of each output, D::columns at one vector of them, to finish its sums with:
// D::finish(sum, columns, row step) instead of D::finish(sum), with zero points D::finish(sum, columns, row step,
// zero).
template <typename D>
concept HasSteps = requires(const GemmWeights& weights) {
  D::columns(weights, 0);
};

struct NoColumns {};

template <typename D>
[[gnu::always_inline]] inline auto columns_at(const GemmWeights& weights, std::size_t col) {
  if constexpr (HasSteps<D>) {
    return D::columns(weights, col);
  } else {
    return NoColumns{};
  }
}

// The sums of row `r` of a block as float32.
template <typename D, typename Columns>
[[gnu::always_inline]] inline typename D::V::F finish_sum(typename D::Sum sum, const Columns& columns,
                                                          const std::byte* block, std::size_t r) {
  [[maybe_unused]] const auto* steps = reinterpret_cast<const float*>(block);
  if constexpr (HasZeroPoints<D>) {
    return D::finish(sum, columns, steps[r], std::to_integer<int>(block[D::kZeroPointsAt + r]));
  } else if constexpr (HasSteps<D>) {
    return D::finish(sum, columns, steps[r]);
  } else {
    return D::finish(sum);
  }
}

// One vector of finished sums through the rest of the epilogue; `row` counts from task.y, `count` columns from `col`
// exist.
template <typename D>
[[gnu::always_inline]] inline void store_vector(const GemmTask& task, std::size_t row, std::size_t col,
                                                std::size_t count, typename D::V::F value) {
  using V = typename D::V;
  // What multiplies in float32 keeps its precision; what is rounded to fewer bits next does not need it.
  if (task.gelu) value = D::kValues == 1 ? gelu<V>(value) : gelu_rough<V>(value);
  float* y = task.y + row * task.y_stride + col;
  const float* residual = task.residual == nullptr ? nullptr : task.residual + row * task.residual_stride + col;
  if (count >= V::kLanes) {
    if (residual != nullptr) value = V::add(value, V::load(residual));
    V::store(y, value);
  } else {
    if (residual != nullptr) value = V::add(value, V::load_first(residual, count));
    V::store_first(y, count, value);
  }
}

template <typename D, int R, int P, bool kAsksAhead = false>
void run_tile(const GemmWeights& weights, const GemmTask& whole, const std::byte* block, std::size_t first_row,
              std::size_t panel, const WeightsAhead& ahead = {}) {
  using V = typename D::V;
  const GemmTask task = whole;  // a copy, which stores of results cannot be suspected of changing
  const std::size_t units = policy_units<D>(weights.in);
  const std::size_t panel_stride = units * kPolicyPanelCols<D>;
  // Rows of results are far apart, which no processor foresees: they are asked for now and here when the sums are done.
  for (int r = 0; r < R; ++r) {
    const std::size_t row = first_row + static_cast<std::size_t>(r);
    for (int line = 0; line < P * kPanelVectors * static_cast<int>(D::V::kLanes) / 16; ++line) {
      const std::size_t col = panel * kPolicyPanelCols<D> + static_cast<std::size_t>(line) * 16;
      if (col >= weights.out) break;
      __builtin_prefetch(task.y + row * task.y_stride + col, 1);
      if (task.residual != nullptr) __builtin_prefetch(task.residual + row * task.residual_stride + col);
    }
  }
  typename D::Sum sums[R][P * kPanelVectors];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int c = 0; c < P * kPanelVectors; ++c) sums[r][c] = D::zero();
  }
  accumulate<D, R, P, kAsksAhead>(sums, reinterpret_cast<const std::uint32_t*>(block + kBlockHeaderBytes),
                                  weights.panels + panel * panel_stride, panel_stride, units, ahead);
#pragma GCC unroll 8
  for (int c = 0; c < P * kPanelVectors; ++c) {
    const std::size_t col = panel * kPolicyPanelCols<D> + static_cast<std::size_t>(c) * V::kLanes;
    if (col >= weights.out) break;
    const std::size_t count = weights.out - col;
    const typename V::F bias = V::load(weights.bias + col);
    const auto columns = columns_at<D>(weights, col);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const std::size_t row = first_row + static_cast<std::size_t>(r);
      const typename V::F value = finish_sum<D>(sums[r][c], columns, block, static_cast<std::size_t>(r));
      store_vector<D>(task, row, col, count, V::add(value, bias));
    }
  }
}

// The share of `rows` rows of the task, from `first_row` on, in asking for the panels from `panel` on, which are the
// next to be multiplied with all of its rows. When there are none, something is asked for that is at hand.
template <typename D>
WeightsAhead weights_ahead(const GemmWeights& weights, const GemmTask& task, std::size_t first_row, std::size_t rows,
                           std::size_t panel, std::size_t panels) {
  if (panel >= task.last_panel) return {.first = task.blocks, .step = 0};
  const std::size_t units = policy_units<D>(weights.in);
  const std::size_t unit_bytes = panels * kPolicyPanelCols<D> * 4;
  const auto* first = reinterpret_cast<const std::byte*>(weights.panels + panel * units * kPolicyPanelCols<D>);
  return {.first = first + unit_bytes * units * first_row / task.rows, .step = unit_bytes * rows / task.rows};
}

// A block of exactly R rows times one panel.
template <typename D, int R, bool kAsksAhead>
void run_block(const GemmWeights& weights, const GemmTask& task, const std::byte* block, std::size_t first_row,
               std::size_t rows, std::size_t panel) {
  if constexpr (R > 1) {
    if (rows < R) {
      run_block<D, R - 1, kAsksAhead>(weights, task, block, first_row, rows, panel);
      return;
    }
  }
  if constexpr (kAsksAhead) {
    const WeightsAhead ahead = weights_ahead<D>(weights, task, first_row, R, panel + 1, 1);
    run_tile<D, R, 1, true>(weights, task, block, first_row, panel, ahead);
  } else {
    run_tile<D, R, 1>(weights, task, block, first_row, panel);
  }
}

// Several blocks, each times one panel after the other, so that the panel stays in the cache.
template <typename D, bool kAsksAhead>
void run_blocks(const GemmWeights& weights, const GemmTask& task) {
  constexpr std::size_t kRows = D::kBlockRows;
  for (std::size_t panel = task.first_panel; panel < task.last_panel; ++panel) {
    const std::byte* block = task.blocks;
    for (std::size_t first = 0; first < task.rows; first += kRows, block += policy_block_bytes<D>(weights.in)) {
      const std::size_t left = task.rows - first;
      run_block<D, D::kBlockRows, kAsksAhead>(weights, task, block, first, left < kRows ? left : kRows, panel);
    }
  }
}

// The same for a block that is the only one.
template <typename D, int R>
void run_lone_block(const GemmWeights& weights, const GemmTask& task) {
  if constexpr (R > 1) {
    if (task.rows < R) {
      run_lone_block<D, R - 1>(weights, task);
      return;
    }
  }
  constexpr std::size_t kAtOnce = panels_at_once<D, R>();
  std::size_t panel = task.first_panel;
  for (; panel + kAtOnce <= task.last_panel; panel += kAtOnce) {
    const WeightsAhead ahead = weights_ahead<D>(weights, task, 0, R, panel + kAtOnce, kAtOnce);
    run_tile<D, R, kAtOnce, true>(weights, task, task.blocks, 0, panel, ahead);
  }
  for (; panel < task.last_panel; ++panel) run_tile<D, R, 1>(weights, task, task.blocks, 0, panel);
}

// With more blocks than these, a panel is used so often that waiting for it does not count.
inline constexpr std::size_t kBlocksAskingAhead = 7;

template <typename D>
void gemm_run(const GemmWeights& weights, const GemmTask& task) {
  constexpr std::size_t kRows = D::kBlockRows;
  if (task.rows == 0) return;
  if (task.rows <= kRows) {
    run_lone_block<D, D::kBlockRows>(weights, task);
  } else if (task.rows <= kBlocksAskingAhead * kRows) {
    run_blocks<D, true>(weights, task);
  } else {
    run_blocks<D, false>(weights, task);
  }
}

template <typename D>
void gemm_pack_rows(const float* x, std::size_t stride, std::size_t rows, std::size_t in, std::byte* blocks) {
  constexpr std::size_t kChunkValues = kChunkUnits * D::kValues;
  for (std::size_t first = 0; first < rows; first += D::kBlockRows, blocks += policy_block_bytes<D>(in)) {
    const std::size_t left = rows - first;
    const std::size_t count = left < D::kBlockRows ? left : D::kBlockRows;
    auto* steps = reinterpret_cast<float*>(blocks);
    for (std::size_t r = 0; r < count; ++r) {
      const float* row = x + (first + r) * stride;
      const float* next = first + r + 1 < rows ? row + stride : row;
      auto* to = reinterpret_cast<std::uint32_t*>(blocks + kBlockHeaderBytes) + r * kChunkUnits;
      const auto pack = [&](const auto& chunk) {
        for (std::size_t i = 0; i < in; i += kChunkValues, to += count * kChunkUnits) {
          // Rows begin on other pages than the one before ends, where no processor looks ahead.
          for (std::size_t line = 0; line < kChunkValues; line += 16) __builtin_prefetch(next + i + line);
          chunk(row + i, in - i < kChunkValues ? in - i : kChunkValues);
        }
      };
      if constexpr (HasZeroPoints<D>) {
        int zero = 0;
        steps[r] = D::row_range(row, in, zero);
        blocks[D::kZeroPointsAt + r] = static_cast<std::byte>(zero);
        const float inverse = steps[r] > 0.0f ? 1.0f / steps[r] : 0.0f;
        pack([&](const float* x_chunk, std::size_t n) { D::pack_from(x_chunk, n, inverse, zero, to); });
      } else {
        steps[r] = D::row_step(row, in);
        const float inverse = steps[r] > 0.0f ? 1.0f / steps[r] : 0.0f;
        pack([&](const float* x_chunk, std::size_t n) { D::pack_chunk(x_chunk, n, inverse, to); });
      }
    }
  }
}

}  // namespace amanuensis::kernels
