// Four float32 lanes on NEON, which every 64-bit Arm processor has. Included only by *_neon*.cc files; everything has
// internal linkage, so that what files with more instructions make of it is never merged with the plain form. The
// vocabulary of all simd_*.h files is the same: kernels written as templates over it exist once.
#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

namespace amanuensis::kernels {
namespace {

struct Neon {
  using F = float32x4_t;
  static constexpr std::size_t kLanes = 4;

  static F zero() { return vdupq_n_f32(0.0f); }
  static F set(float x) { return vdupq_n_f32(x); }
  static F load(const float* p) { return vld1q_f32(p); }
  static F load(const std::uint16_t* p) {  // bfloat16
    return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16));
  }
  // The first n < kLanes values, zeros behind them.
  template <typename T>
  static F load_first(const T* p, std::size_t n) {
    T copy[kLanes] = {};
    for (std::size_t i = 0; i < n; ++i) copy[i] = p[i];
    return load(copy);
  }
  static void store(float* p, F x) { vst1q_f32(p, x); }
  static void store_first(float* p, std::size_t n, F x) {
    float copy[kLanes];
    store(copy, x);
    for (std::size_t i = 0; i < n; ++i) p[i] = copy[i];
  }
  // The first n <= kLanes values.
  static void store_first_or_all(float* p, std::size_t n, F x) {
    if (n >= kLanes) {
      store(p, x);
    } else {
      store_first(p, n, x);
    }
  }

  static F add(F a, F b) { return vaddq_f32(a, b); }
  static F sub(F a, F b) { return vsubq_f32(a, b); }
  static F mul(F a, F b) { return vmulq_f32(a, b); }
  static F div(F a, F b) { return vdivq_f32(a, b); }
  static F fma(F a, F b, F c) { return vfmaq_f32(c, a, b); }
  // The forms that take the number when the other is not one.
  static F max(F a, F b) { return vmaxnmq_f32(a, b); }
  static F min(F a, F b) { return vminnmq_f32(a, b); }
  static F abs(F a) { return vabsq_f32(a); }
  static F round(F a) { return vrndnq_f32(a); }
  // x * 2^n for whole n in [-126, 127].
  static F scale_by_power(F x, F n) {
    const int32x4_t exponent = vaddq_s32(vcvtnq_s32_f32(n), vdupq_n_s32(127));
    return vmulq_f32(x, vreinterpretq_f32_s32(vshlq_n_s32(exponent, 23)));
  }
  // p * 2^n, where t = n + kRoundingMagic for a whole n, and the result must be a normal number.
  static F add_exponent(F p, F t) {
    return vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(p), vshlq_n_s32(vreinterpretq_s32_f32(t), 23)));
  }
  // x < 0 ? a : b
  static F if_negative(F x, F a, F b) { return vbslq_f32(vcltzq_f32(x), a, b); }
  // The first n <= kLanes lanes of x, `other` in the rest.
  static F keep_first(F x, std::size_t n, F other) { return vbslq_f32(first(n), x, other); }
  // rows[i] becomes column i.
  static void transpose(F (&rows)[kLanes]) {
    const float32x4x2_t first = vtrnq_f32(rows[0], rows[1]);
    const float32x4x2_t second = vtrnq_f32(rows[2], rows[3]);
    rows[0] = vcombine_f32(vget_low_f32(first.val[0]), vget_low_f32(second.val[0]));
    rows[1] = vcombine_f32(vget_low_f32(first.val[1]), vget_low_f32(second.val[1]));
    rows[2] = vcombine_f32(vget_high_f32(first.val[0]), vget_high_f32(second.val[0]));
    rows[3] = vcombine_f32(vget_high_f32(first.val[1]), vget_high_f32(second.val[1]));
  }
  static float reduce_add(F a) { return vaddvq_f32(a); }
  static float reduce_max(F a) { return vmaxnmvq_f32(a); }

  static uint32x4_t first(std::size_t n) {
    const uint32x4_t lane = {0, 1, 2, 3};
    return vcltq_u32(lane, vdupq_n_u32(static_cast<std::uint32_t>(n)));
  }
};

}  // namespace
}  // namespace amanuensis::kernels
