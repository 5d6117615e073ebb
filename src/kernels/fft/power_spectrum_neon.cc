#include <arm_neon.h>

#include "kernels/fft/power_spectrum_impl.h"
#include "kernels/fft/power_spectrum_lanes.h"

namespace amanuensis::kernels {
namespace {

struct NeonLanes {
  using V = float32x4_t;
  static constexpr std::size_t kWidth = 4;
  static V splat(float x) { return vdupq_n_f32(x); }
  static V load(const float* p) { return vld1q_f32(p); }
  static void store(float* p, V v) { vst1q_f32(p, v); }
  static V fma(V a, V b, V c) { return vfmaq_f32(c, a, b); }

  // A 4 x 4 transpose: pairs of rows, then pairs of pairs.
  static void load_columns(const float* const* rows, std::size_t n, V* out) {
    const float32x4x2_t low = vtrnq_f32(load(rows[0] + n), load(rows[1] + n));
    const float32x4x2_t high = vtrnq_f32(load(rows[2] + n), load(rows[3] + n));
    out[0] = vcombine_f32(vget_low_f32(low.val[0]), vget_low_f32(high.val[0]));
    out[1] = vcombine_f32(vget_low_f32(low.val[1]), vget_low_f32(high.val[1]));
    out[2] = vcombine_f32(vget_high_f32(low.val[0]), vget_high_f32(high.val[0]));
    out[3] = vcombine_f32(vget_high_f32(low.val[1]), vget_high_f32(high.val[1]));
  }
};

}  // namespace

void power_spectrum_neon(const float* samples, std::size_t hop, std::size_t frames, const float* window,
                         float* power) noexcept {
  power_spectrum_of<NeonLanes>(samples, hop, frames, window, power);
}

}  // namespace amanuensis::kernels
