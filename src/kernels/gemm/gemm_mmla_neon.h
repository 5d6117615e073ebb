// The packed matrix product over instructions that multiply two rows by two columns, eight bytes of each: SMMLA and
// BFMMLA. Included only by *_neon_bf16.cc files; `D` is one of their policies, with a function `mmla`.
//
// Weights lie as for the other variants, panels of [units][8], and are zipped on their way into registers. A block of x
// is [units / 2][rows, made even][2]: what one instruction takes of two rows lies together.
#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "kernels/gemm/gemm_simd.h"

namespace amanuensis::kernels {
namespace {

inline constexpr std::size_t kMmlaCols = 8;

template <typename D>
void mmla_pack_rows(const float* x, std::size_t stride, std::size_t rows, std::size_t in, std::byte* blocks) {
  static_assert(D::kBlockRows % 2 == 0);
  constexpr std::size_t kChunkValues = kChunkUnits * D::kValues;
  for (std::size_t first = 0; first < rows; first += D::kBlockRows, blocks += policy_block_bytes<D>(in)) {
    const std::size_t left = rows - first;
    const std::size_t count = left < D::kBlockRows ? left : D::kBlockRows;
    const std::size_t even = (count + 1) / 2 * 2;
    auto* steps = reinterpret_cast<float*>(blocks);
    for (std::size_t r = 0; r < even; ++r) {
      const float* row = r < count ? x + (first + r) * stride : nullptr;
      steps[r] = row == nullptr ? 0.0f : D::row_step(row, in);
      const float inverse = steps[r] > 0.0f ? 1.0f / steps[r] : 0.0f;
      auto* to = reinterpret_cast<std::uint32_t*>(blocks + kBlockHeaderBytes) + r * 2;
      for (std::size_t i = 0; i < in; i += kChunkValues) {
        std::uint32_t chunk[kChunkUnits] = {};
        if (row != nullptr) D::pack_chunk(row + i, in - i < kChunkValues ? in - i : kChunkValues, inverse, chunk);
        for (std::size_t u = 0; u < kChunkUnits; u += 2, to += even * 2) vst1_u32(to, vld1_u32(chunk + u));
      }
    }
  }
}

// 2 * kPairs rows (of which the last may not exist) times kPanels panels.
template <typename D, int kPairs, int kPanels>
void mmla_tile(const GemmWeights& weights, const GemmTask& task, const std::byte* block, std::size_t first_row,
               std::size_t rows, std::size_t panel) {
  const std::size_t units = policy_units<D>(weights.in);
  const std::size_t panel_stride = units * kMmlaCols;
  const auto* a = reinterpret_cast<const std::uint32_t*>(block + kBlockHeaderBytes);
  const std::uint32_t* b = weights.panels + panel * panel_stride;
  // Two rows times two columns each: the four sums of [pair][panel] make two rows of eight.
  typename D::Sum sums[kPairs][kPanels][4];
  for (auto& pair : sums) {
    for (auto& four : pair) {
      for (auto& sum : four) sum = D::zero();
    }
  }
  for (std::size_t u = 0; u < units; u += 2, a += kPairs * 4, b += 2 * kMmlaCols) {
#pragma GCC unroll 4
    for (int n = 0; n < kPanels; ++n) {
      const std::uint32_t* line = b + static_cast<std::size_t>(n) * panel_stride;
      const uint32x4x2_t low = {vld1q_u32(line), vld1q_u32(line + kMmlaCols)};
      const uint32x4x2_t high = {vld1q_u32(line + 4), vld1q_u32(line + kMmlaCols + 4)};
      const uint32x4_t right[4] = {vzip1q_u32(low.val[0], low.val[1]), vzip2q_u32(low.val[0], low.val[1]),
                                   vzip1q_u32(high.val[0], high.val[1]), vzip2q_u32(high.val[0], high.val[1])};
#pragma GCC unroll 6
      for (int p = 0; p < kPairs; ++p) {
        const uint32x4_t left = vld1q_u32(a + p * 4);
#pragma GCC unroll 4
        for (int c = 0; c < 4; ++c) sums[p][n][c] = D::mmla(sums[p][n][c], left, right[c]);
      }
    }
  }
  for (int p = 0; p < kPairs; ++p) {
    for (std::size_t i = 0; i < 2; ++i) {
      const std::size_t r = static_cast<std::size_t>(p) * 2 + i;
      if (r >= rows) break;
      for (int n = 0; n < kPanels; ++n) {
        for (int half = 0; half < 2; ++half) {
          const std::size_t col =
              (panel + static_cast<std::size_t>(n)) * kMmlaCols + static_cast<std::size_t>(half) * 4;
          if (col >= weights.out) break;
          const auto sum = D::row_of(sums[p][n][half * 2], sums[p][n][half * 2 + 1], i);
          const typename D::V::F value = finish_sum<D>(sum, columns_at<D>(weights, col), block, r);
          store_vector<D>(task, first_row + r, col, weights.out - col,
                          D::V::add(value, D::V::load(weights.bias + col)));
        }
      }
    }
  }
}

template <typename D, int kPairs>
void mmla_block(const GemmWeights& weights, const GemmTask& task, const std::byte* block, std::size_t first_row,
                std::size_t rows, std::size_t panel) {
  if constexpr (kPairs > 1) {
    if (rows <= 2 * (kPairs - 1)) {
      mmla_block<D, kPairs - 1>(weights, task, block, first_row, rows, panel);
      return;
    }
  }
  mmla_tile<D, kPairs, 1>(weights, task, block, first_row, rows, panel);
}

// The same for a block that is the only one: several panels at once, to have enough independent sums.
template <typename D, int kPairs>
void mmla_lone_block(const GemmWeights& weights, const GemmTask& task) {
  if constexpr (kPairs > 1) {
    if (task.rows <= 2 * (kPairs - 1)) {
      mmla_lone_block<D, kPairs - 1>(weights, task);
      return;
    }
  }
  constexpr int kAtOnce = kPairs == 1 ? 4 : kPairs <= 3 ? 2 : 1;
  std::size_t panel = task.first_panel;
  for (; panel + kAtOnce <= task.last_panel; panel += kAtOnce) {
    mmla_tile<D, kPairs, kAtOnce>(weights, task, task.blocks, 0, task.rows, panel);
  }
  for (; panel < task.last_panel; ++panel) mmla_tile<D, kPairs, 1>(weights, task, task.blocks, 0, task.rows, panel);
}

template <typename D>
void mmla_run(const GemmWeights& weights, const GemmTask& task) {
  constexpr std::size_t kRows = D::kBlockRows;
  if (task.rows <= kRows) {
    if (task.rows > 0) mmla_lone_block<D, D::kBlockRows / 2>(weights, task);
    return;
  }
  for (std::size_t panel = task.first_panel; panel < task.last_panel; ++panel) {
    const std::byte* block = task.blocks;
    for (std::size_t first = 0; first < task.rows; first += kRows, block += policy_block_bytes<D>(weights.in)) {
      const std::size_t left = task.rows - first;
      mmla_block<D, D::kBlockRows / 2>(weights, task, block, first, left < kRows ? left : kRows, panel);
    }
  }
}

}  // namespace
}  // namespace amanuensis::kernels
