// Activations of a two-dimensional convolutional network over several windows at once, and its convolutions as products
// with the port. A plane is [rows + 2, cols, channels]: frequencies by time, with a row of zeros above and below, and
// the windows side by side in time with zeros between them, so that a kernel of 3 that slides over all of it sees only
// what it should. Belongs to one call of one network. For wespeaker_network.cc alone.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "base/aligned_buffer.h"
#include "device/backend.h"

namespace amanuensis::model {

// Which columns of a plane are a window's.
struct PlaneSpan {
  std::size_t first = 0;
  std::size_t count = 0;
};

struct PlaneShape {
  std::size_t rows = 0;
  std::size_t cols = 0;  // a multiple of 2 where the next convolution has a stride of 2
  std::size_t channels = 0;
  std::vector<PlaneSpan> spans;

  // After a convolution of stride 2 in both directions. Windows begin at even columns.
  PlaneShape halved(std::size_t channels_after) const;
};

class Plane {
 public:
  // Sets the shape, all zero outside of the rows [0, rows).
  void reshape(const PlaneShape& shape);
  const PlaneShape& shape() const { return shape_; }
  // The channels of a place; row and col may be one outside.
  float* at(std::ptrdiff_t row, std::ptrdiff_t col) {
    return values_.data() +
           static_cast<std::size_t>((row + 1) * static_cast<std::ptrdiff_t>(shape_.cols) + col + 1) * shape_.channels;
  }
  // Zeros in all columns that are no window's; elsewhere max(x, 0).
  void rectify();

 private:
  PlaneShape shape_;
  AlignedBuffer<float> values_;
};

// A convolution of 3 by 3 with padding 1, as one matrix [out, 3 * in] for each of its three rows (frequencies).
struct PlaneConv {
  std::array<std::unique_ptr<device::LinearWeights>, 3> rows;  // the first one brings the bias
};

// y = conv(x), + residual where there is one. y has the shape of x but for its channels, and so has the residual, which
// may be y. What lies in columns between windows means nothing until rectify().
void convolve_plane(device::Backend& backend, const PlaneConv& conv, Plane& x, Plane& y, Plane* residual);
// y = conv(x) at every second place in both directions; y has the halved shape.
void convolve_plane_by_two(device::Backend& backend, const PlaneConv& conv, Plane& x, Plane& y);
// y = weights * x at every second place.
void project_plane_by_two(device::Backend& backend, const device::LinearWeights& weights, Plane& x, Plane& y);

}  // namespace amanuensis::model
