// The readable reference of the packed matrix product. Types define how one unit of four bytes is made and multiplied;
// the loops around them are shared.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "kernels/bfloat16.h"
#include "kernels/gemm/gemm_impl.h"

namespace amanuensis::kernels {
namespace {

constexpr std::size_t kRows = kScalarBlockRows;
constexpr std::size_t kCols = kScalarPanelCols;

struct Float32 {
  using Sum = float;
  static constexpr std::size_t kValues = 1;
  static float row_step(const float*, std::size_t) { return 1.0f; }
  static std::uint32_t make_unit(const float* x, std::size_t, float) { return std::bit_cast<std::uint32_t>(x[0]); }
  static Sum dot(std::uint32_t a, std::uint32_t b) { return std::bit_cast<float>(a) * std::bit_cast<float>(b); }
  static float finish(Sum sum, const GemmWeights&, std::size_t, float) { return sum; }
};

struct BFloat16 {
  using Sum = float;
  static constexpr std::size_t kValues = 2;
  static float row_step(const float*, std::size_t) { return 1.0f; }
  static std::uint32_t make_unit(const float* x, std::size_t n, float) {
    const std::uint32_t low = bfloat16_from_float(x[0]);
    return low | (n > 1 ? static_cast<std::uint32_t>(bfloat16_from_float(x[1])) << 16 : 0U);
  }
  static Sum dot(std::uint32_t a, std::uint32_t b) {
    return std::bit_cast<float>(a << 16) * std::bit_cast<float>(b << 16) +
           std::bit_cast<float>(a & 0xffff0000U) * std::bit_cast<float>(b & 0xffff0000U);
  }
  static float finish(Sum sum, const GemmWeights&, std::size_t, float) { return sum; }
};

struct Int8 {
  using Sum = std::int32_t;
  static constexpr std::size_t kValues = 4;
  static float row_step(const float* x, std::size_t n) {
    float largest = 0;
    for (std::size_t i = 0; i < n; ++i) largest = std::max(largest, std::abs(x[i]));
    return largest / 127.0f;
  }
  static std::uint32_t make_unit(const float* x, std::size_t n, float step) {
    const float inverse = step > 0 ? 1.0f / step : 0.0f;
    std::uint32_t unit = 0;
    for (std::size_t i = 0; i < std::min(n, kValues); ++i) {
      const float q = std::clamp(std::nearbyint(x[i] * inverse), -127.0f, 127.0f);
      unit |= static_cast<std::uint32_t>(static_cast<std::uint8_t>(static_cast<std::int8_t>(q))) << (8 * i);
    }
    return unit;
  }
  static Sum dot(std::uint32_t a, std::uint32_t b) {
    Sum sum = 0;
    for (unsigned shift = 0; shift < 32; shift += 8) {
      sum += static_cast<std::int8_t>(a >> shift & 0xffU) * static_cast<std::int8_t>(b >> shift & 0xffU);
    }
    return sum;
  }
  static float finish(Sum sum, const GemmWeights& weights, std::size_t col, float row_step) {
    return static_cast<float>(sum) * (row_step * weights.scale[col]);
  }
};

// Units that hold values; the chunks' padding is left out of the sums.
template <typename Type>
std::size_t unit_count(std::size_t in) {
  return (in + Type::kValues - 1) / Type::kValues;
}

template <typename Type>
std::size_t padded_units(std::size_t in) {
  return (unit_count<Type>(in) + kChunkUnits - 1) / kChunkUnits * kChunkUnits;
}

template <typename Type>
std::size_t block_bytes(std::size_t in) {
  return kBlockHeaderBytes + padded_units<Type>(in) * 4 * kRows;
}

// Where unit `u` of row `r` lies in a block of `rows` rows.
std::size_t unit_index(std::size_t u, std::size_t r, std::size_t rows) {
  return (u / kChunkUnits * rows + r) * kChunkUnits + u % kChunkUnits;
}

template <typename Type>
void pack_rows(const float* x, std::size_t stride, std::size_t rows, std::size_t in, std::byte* blocks) {
  for (std::size_t first = 0; first < rows; first += kRows, blocks += block_bytes<Type>(in)) {
    const std::size_t count = std::min(kRows, rows - first);
    auto* steps = reinterpret_cast<float*>(blocks);
    auto* units = reinterpret_cast<std::uint32_t*>(blocks + kBlockHeaderBytes);
    for (std::size_t r = 0; r < count; ++r) {
      const float* row = x + (first + r) * stride;
      steps[r] = Type::row_step(row, in);
      for (std::size_t i = 0; i < in; i += Type::kValues) {
        units[unit_index(i / Type::kValues, r, count)] = Type::make_unit(row + i, in - i, steps[r]);
      }
    }
  }
}

void store_row(const GemmWeights& weights, const GemmTask& task, std::size_t row, std::size_t first_col,
               const float* values) {
  constexpr float kSqrtHalf = 0.70710678118654752f;
  const std::size_t count = std::min(kCols, weights.out - first_col);
  float* y = task.y + row * task.y_stride + first_col;
  for (std::size_t c = 0; c < count; ++c) {
    float value = values[c] + weights.bias[first_col + c];
    if (task.gelu) value = 0.5f * value * (1.0f + std::erf(value * kSqrtHalf));
    if (task.residual != nullptr) value += task.residual[row * task.residual_stride + first_col + c];
    y[c] = value;
  }
}

template <typename Type>
void run(const GemmWeights& weights, const GemmTask& task) {
  const std::size_t units = unit_count<Type>(weights.in);
  for (std::size_t panel = task.first_panel; panel < task.last_panel; ++panel) {
    const std::uint32_t* b = weights.panels + panel * padded_units<Type>(weights.in) * kCols;
    const std::byte* block = task.blocks;
    for (std::size_t first = 0; first < task.rows; first += kRows, block += block_bytes<Type>(weights.in)) {
      const std::size_t count = std::min(kRows, task.rows - first);
      const auto* steps = reinterpret_cast<const float*>(block);
      const auto* a = reinterpret_cast<const std::uint32_t*>(block + kBlockHeaderBytes);
      typename Type::Sum sums[kRows][kCols] = {};
      for (std::size_t u = 0; u < units; ++u) {
        for (std::size_t r = 0; r < count; ++r) {
          for (std::size_t c = 0; c < kCols; ++c) sums[r][c] += Type::dot(a[unit_index(u, r, count)], b[u * kCols + c]);
        }
      }
      for (std::size_t r = 0; r < count; ++r) {
        float values[kCols];
        for (std::size_t c = 0; c < kCols; ++c) {
          values[c] = Type::finish(sums[r][c], weights, panel * kCols + c, steps[r]);
        }
        store_row(weights, task, first + r, panel * kCols, values);
      }
    }
  }
}

}  // namespace

void gemm_f32_pack_rows_scalar(const float* x, std::size_t stride, std::size_t rows, std::size_t in,
                               std::byte* blocks) noexcept {
  pack_rows<Float32>(x, stride, rows, in, blocks);
}
void gemm_f32_scalar(const GemmWeights& weights, const GemmTask& task) noexcept { run<Float32>(weights, task); }

void gemm_bf16_pack_rows_scalar(const float* x, std::size_t stride, std::size_t rows, std::size_t in,
                                std::byte* blocks) noexcept {
  pack_rows<BFloat16>(x, stride, rows, in, blocks);
}
void gemm_bf16_scalar(const GemmWeights& weights, const GemmTask& task) noexcept { run<BFloat16>(weights, task); }

void gemm_int8_pack_rows_scalar(const float* x, std::size_t stride, std::size_t rows, std::size_t in,
                                std::byte* blocks) noexcept {
  pack_rows<Int8>(x, stride, rows, in, blocks);
}
void gemm_int8_scalar(const GemmWeights& weights, const GemmTask& task) noexcept { run<Int8>(weights, task); }

}  // namespace amanuensis::kernels
