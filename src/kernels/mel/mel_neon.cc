#include <arm_neon.h>

#include "kernels/mel/mel_impl.h"
#include "kernels/mel/mel_lanes.h"

namespace amanuensis::kernels {
namespace {

struct NeonLanes {
  using V = float32x4_t;
  static constexpr std::size_t kWidth = 4;
  static V splat(float x) { return vdupq_n_f32(x); }
  static V load(const float* p) { return vld1q_f32(p); }
  static V fma(V a, V b, V c) { return vfmaq_f32(c, a, b); }
  static V max(V a, V b) { return vmaxnmq_f32(a, b); }
  static float largest(V v) { return vmaxnmvq_f32(v); }
  static uint32x4_t first(std::size_t n) {
    const uint32x4_t lane = {0, 1, 2, 3};
    return vcltq_u32(lane, vdupq_n_u32(static_cast<std::uint32_t>(n)));
  }
  static void store_first(float* p, V v, std::size_t n) {
    if (n == kWidth) {
      vst1q_f32(p, v);
      return;
    }
    float copy[kWidth];
    vst1q_f32(copy, v);
    for (std::size_t i = 0; i < n; ++i) p[i] = copy[i];
  }
  static V first_or(V v, std::size_t n, V other) { return vbslq_f32(first(n), v, other); }
  static void split(V v, V& exponent, V& mantissa) {
    const uint32x4_t bits = vreinterpretq_u32_f32(v);
    exponent = vcvtq_f32_s32(vsubq_s32(vreinterpretq_s32_u32(vshrq_n_u32(bits, 23)), vdupq_n_s32(127)));
    mantissa = vreinterpretq_f32_u32(vorrq_u32(vandq_u32(bits, vdupq_n_u32(0x007FFFFF)), vdupq_n_u32(0x3F800000)));
  }
  static void halve_if_above(float limit, V& exponent, V& mantissa) {
    const uint32x4_t above = vcgtq_f32(mantissa, splat(limit));
    mantissa = vbslq_f32(above, vmulq_n_f32(mantissa, 0.5F), mantissa);
    exponent = vaddq_f32(exponent, vreinterpretq_f32_u32(vandq_u32(above, vreinterpretq_u32_f32(splat(1.0F)))));
  }
};

}  // namespace

float log_mel_bands_neon(const float* power, const MelBands& bands, std::size_t frames, float* out,
                         std::size_t out_stride) noexcept {
  return log_mel_bands_of<NeonLanes>(power, bands, frames, out, out_stride);
}

}  // namespace amanuensis::kernels
