#include "model/speaker/resnet_plane.h"

#include <algorithm>

namespace amanuensis::model {
namespace {

constexpr std::size_t kTaps = 3;

}  // namespace

PlaneShape PlaneShape::halved(std::size_t channels_after) const {
  PlaneShape half{(rows + 1) / 2, cols / 2, channels_after, spans};
  for (PlaneSpan& span : half.spans) span = {span.first / 2, (span.count + 1) / 2};
  return half;
}

void Plane::reshape(const PlaneShape& shape) {
  shape_ = shape;
  const std::size_t row = shape.cols * shape.channels;
  // A place more than the rows at either end: kernels reach over the corners.
  const std::size_t size = (shape.rows + 2) * row + 2 * shape.channels;
  if (values_.size() < size) values_ = AlignedBuffer<float>(size);
  std::fill_n(values_.data(), row + shape.channels, 0.0F);
  std::fill_n(values_.data() + size - row - shape.channels, row + shape.channels, 0.0F);
}

void Plane::rectify() {
  const std::size_t channels = shape_.channels;
  for (std::size_t row = 0; row < shape_.rows; ++row) {
    float* values = at(static_cast<std::ptrdiff_t>(row), 0);
    std::size_t past = 0;
    for (const PlaneSpan& span : shape_.spans) {
      std::fill(values + past * channels, values + span.first * channels, 0.0F);
      past = span.first + span.count;
      for (std::size_t i = span.first * channels; i < past * channels; ++i) values[i] = std::max(values[i], 0.0F);
    }
    std::fill(values + past * channels, values + shape_.cols * channels, 0.0F);
  }
}

void convolve_plane(device::Backend& backend, const PlaneConv& conv, Plane& x, Plane& y, Plane* residual) {
  const std::size_t in = x.shape().channels;
  const std::size_t out = y.shape().channels;
  const std::size_t places = x.shape().rows * x.shape().cols;
  // Three neighbouring places are one row of the product; of every third place they are disjoint.
  for (std::size_t phase = 0; phase < std::min(kTaps, places); ++phase) {
    const std::size_t count = (places - phase + kTaps - 1) / kTaps;
    const TensorView<float> to(y.at(0, 0) + phase * out, count, out, kTaps * out);
    for (std::size_t tap = 0; tap < kTaps; ++tap) {
      const float* from = x.at(static_cast<std::ptrdiff_t>(tap) - 1, -1) + phase * in;
      device::Epilogue epilogue;
      if (tap > 0 || residual != nullptr) {
        epilogue.residual = tap > 0 ? to.data() : residual->at(0, 0) + phase * out;
        epilogue.residual_stride = to.stride();
      }
      backend.linear(*conv.rows[tap], {from, count, kTaps * in, kTaps * in}, to, epilogue);
    }
  }
}

void convolve_plane_by_two(device::Backend& backend, const PlaneConv& conv, Plane& x, Plane& y) {
  const std::size_t in = x.shape().channels;
  const std::size_t out = y.shape().channels;
  for (std::size_t row = 0; row < y.shape().rows; ++row) {
    for (std::size_t phase = 0; phase < std::min<std::size_t>(2, y.shape().cols); ++phase) {
      const std::size_t count = (y.shape().cols - phase + 1) / 2;
      const TensorView<float> to(y.at(static_cast<std::ptrdiff_t>(row), 0) + phase * out, count, out, 2 * out);
      for (std::size_t tap = 0; tap < kTaps; ++tap) {
        const float* from = x.at(static_cast<std::ptrdiff_t>(2 * row + tap) - 1, -1) + 2 * phase * in;
        device::Epilogue epilogue;
        if (tap > 0) epilogue = {.residual = to.data(), .residual_stride = to.stride()};
        backend.linear(*conv.rows[tap], {from, count, kTaps * in, 4 * in}, to, epilogue);
      }
    }
  }
}

void project_plane_by_two(device::Backend& backend, const device::LinearWeights& weights, Plane& x, Plane& y) {
  const std::size_t in = x.shape().channels;
  const std::size_t out = y.shape().channels;
  for (std::size_t row = 0; row < y.shape().rows; ++row) {
    const auto at = static_cast<std::ptrdiff_t>(row);
    backend.linear(weights, {x.at(2 * at, 0), y.shape().cols, in, 2 * in}, {y.at(at, 0), y.shape().cols, out}, {});
  }
}

}  // namespace amanuensis::model
