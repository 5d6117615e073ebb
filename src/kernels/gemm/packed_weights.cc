#include "kernels/gemm/packed_weights.h"

#include <algorithm>
#include <bit>
#include <cassert>

#include "kernels/bfloat16.h"

namespace amanuensis::kernels {
namespace {

// Written so that the compiler can use vectors: sizes of float32 values order as their bits do.
float largest_size(std::span<const float> row) {
  std::int32_t largest = 0;
  for (const float value : row) largest = std::max(largest, std::bit_cast<std::int32_t>(value) & 0x7fffffff);
  return std::bit_cast<float>(largest);
}

// The nearest whole number, for |x| <= 2^21: float32 addition leaves it in the lowest bits.
std::int32_t round_to_int(float x) {
  constexpr float kMagic = 12582912.0f;  // 1.5 * 2^23
  return std::bit_cast<std::int32_t>(x + kMagic) - std::bit_cast<std::int32_t>(kMagic);
}

// Writes one output's weights as units that are `stride` apart, and returns their sum.
std::int32_t pack_int8_row(std::span<const float> row, float inverse, std::uint32_t* to, std::size_t stride) {
  std::int32_t sum = 0;
  std::size_t i = 0;
  for (; i + 4 <= row.size(); i += 4, to += stride) {
    std::int32_t q[4];
    for (std::size_t j = 0; j < 4; ++j) q[j] = round_to_int(row[i + j] * inverse);
    sum += q[0] + q[1] + q[2] + q[3];
    *to = (static_cast<std::uint32_t>(q[0]) & 0xffU) | (static_cast<std::uint32_t>(q[1]) & 0xffU) << 8 |
          (static_cast<std::uint32_t>(q[2]) & 0xffU) << 16 | static_cast<std::uint32_t>(q[3]) << 24;
  }
  for (unsigned shift = 0; i < row.size(); ++i, shift += 8) {
    const std::int32_t q = round_to_int(row[i] * inverse);
    sum += q;
    *to |= (static_cast<std::uint32_t>(q) & 0xffU) << shift;
  }
  return sum;
}

}  // namespace

PackedWeights::PackedWeights(const GemmVariant& variant, std::size_t out, std::size_t in, std::span<const float> bias)
    : variant_(&variant),
      in_(in),
      out_(out),
      panels_(variant.panels(out) * variant.units(in) * variant.panel_cols),
      bias_(variant.panels(out) * variant.panel_cols) {
  assert(bias.empty() || bias.size() == out);
  std::copy(bias.begin(), bias.end(), bias_.data());
  if (variant.type == GemmType::kInt8) {
    scale_ = AlignedBuffer<float>(bias_.size());
    column_sum_ = AlignedBuffer<std::int32_t>(bias_.size());
  }
}

void PackedWeights::pack_panel(std::size_t panel, TensorView<const float> rows) {
  const std::size_t cols = variant_->panel_cols;
  const std::size_t units = variant_->units(in_);
  assert(rows.cols() == in_ && rows.rows() <= cols && panel * cols + rows.rows() <= out_);
  std::uint32_t* to = panels_.data() + panel * units * cols;
  for (std::size_t c = 0; c < rows.rows(); ++c) {
    const std::span<const float> row = rows.row(c);
    switch (variant_->type) {
      case GemmType::kFloat32:
        for (std::size_t i = 0; i < in_; ++i) to[i * cols + c] = std::bit_cast<std::uint32_t>(row[i]);
        break;
      case GemmType::kBFloat16:
        for (std::size_t i = 0; i < in_; ++i) {
          to[i / 2 * cols + c] |= static_cast<std::uint32_t>(bfloat16_from_float(row[i])) << (16 * (i % 2));
        }
        break;
      case GemmType::kInt8: {
        const float step = largest_size(row) / 127.0f;
        const float inverse = step > 0 ? 1.0f / step : 0.0f;
        scale_[panel * cols + c] = step;
        column_sum_[panel * cols + c] = pack_int8_row(row, inverse, to + c, cols);
        break;
      }
    }
  }
}

GemmWeights PackedWeights::view() const {
  return {.in = in_,
          .out = out_,
          .panels = panels_.data(),
          .bias = bias_.data(),
          .scale = scale_.data(),
          .column_sum = column_sum_.data()};
}

}  // namespace amanuensis::kernels
