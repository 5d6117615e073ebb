#include "kernels/fft/power_spectrum_impl.h"
#include "kernels/fft/power_spectrum_lanes.h"

namespace amanuensis::kernels {
namespace {

// One frame at a time: the form to read.
struct ScalarLanes {
  using V = float;
  static constexpr std::size_t kWidth = 1;
  static V splat(float x) { return x; }
  static V load(const float* p) { return *p; }
  static void store(float* p, V v) { *p = v; }
  static V fma(V a, V b, V c) { return a * b + c; }
  static void load_columns(const float* const* rows, std::size_t n, V* out) { out[0] = rows[0][n]; }
};

}  // namespace

void power_spectrum_scalar(const float* samples, std::size_t hop, std::size_t frames, const float* window,
                           float* power) noexcept {
  power_spectrum_of<ScalarLanes>(samples, hop, frames, window, power);
}

}  // namespace amanuensis::kernels
