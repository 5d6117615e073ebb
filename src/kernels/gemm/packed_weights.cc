#include "kernels/gemm/packed_weights.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>

#include "kernels/bfloat16.h"

namespace amanuensis::kernels {
namespace {

std::int32_t quantise(float value, float step) {
  return step > 0 ? static_cast<std::int32_t>(std::clamp(std::nearbyint(value / step), -127.0f, 127.0f)) : 0;
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
        float largest = 0;
        for (const float value : row) largest = std::max(largest, std::abs(value));
        const float step = largest / 127.0f;
        std::int32_t sum = 0;
        for (std::size_t i = 0; i < in_; ++i) {
          const std::int32_t q = quantise(row[i], step);
          sum += q;
          to[i / 4 * cols + c] |= (static_cast<std::uint32_t>(q) & 0xffU) << (8 * (i % 4));
        }
        scale_[panel * cols + c] = step;
        column_sum_[panel * cols + c] = sum;
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
