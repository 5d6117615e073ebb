// How Armv8.6 multiplies units of two bfloat16 values or four bytes: `dot` one row at a time, `mmla` two rows of two
// units with two columns of two units, for gemm_mmla_neon.h. Included only by *_neon_bf16.cc files.
#pragma once

#include "kernels/gemm/gemm_policies_neon.h"

namespace amanuensis::kernels {
namespace {

struct BFloat16NeonBf16 {
  using V = Neon;
  using Sum = float32x4_t;
  using Left = bfloat16x8_t;
  using Right = bfloat16x8_t;
  static constexpr std::size_t kValues = 2;
  static constexpr int kBlockRows = 8;
  static constexpr int kMaxSums = 16;

  static Sum zero() { return vdupq_n_f32(0.0f); }
  static Left broadcast(const std::uint32_t* p) { return vreinterpretq_bf16_u32(vld1q_dup_u32(p)); }
  static Right load(const std::uint32_t* p) { return vreinterpretq_bf16_u32(vld1q_u32(p)); }
  static Right load_first(const std::uint32_t* p, std::size_t n) {
    return vreinterpretq_bf16_f32(Float32Neon::load_first(p, n));
  }
  static Sum dot(Sum sum, Left a, Right b) { return vbfdotq_f32(sum, a, b); }
  static Sum mmla(Sum sum, uint32x4_t a, uint32x4_t b) {
    return vbfmmlaq_f32(sum, vreinterpretq_bf16_u32(a), vreinterpretq_bf16_u32(b));
  }
  // Row `i` of two matrices of two rows and two columns.
  static Sum row_of(Sum a, Sum b, std::size_t i) {
    const float64x2_t left = vreinterpretq_f64_f32(a);
    const float64x2_t right = vreinterpretq_f64_f32(b);
    return vreinterpretq_f32_f64(i == 0 ? vtrn1q_f64(left, right) : vtrn2q_f64(left, right));
  }
  static float32x4_t finish(Sum sum) { return sum; }

  static float row_step(const float*, std::size_t) { return 1.0f; }
  static void pack_chunk(const float* x, std::size_t n, float, std::uint32_t* to) {
    for (std::size_t i = 0; i < 2 * kChunkUnits; i += 4) {
      const std::size_t count = n <= i ? 0 : n - i;
      const float32x4_t values = count >= 4 ? vld1q_f32(x + i) : V::load_first(x + i, count);
      vst1_u32(to + i / 2, vreinterpret_u32_bf16(vcvt_bf16_f32(values)));
    }
  }
  // Four units at once, from kValues vectors of neighbouring values.
  static void store_units(const float32x4_t (&values)[kValues], std::uint32_t* to) {
    const uint16x4_t low = vreinterpret_u16_bf16(vcvt_bf16_f32(values[0]));
    const uint16x4_t high = vreinterpret_u16_bf16(vcvt_bf16_f32(values[1]));
    vst1q_u32(to, vreinterpretq_u32_u16(vcombine_u16(vzip1_u16(low, high), vzip2_u16(low, high))));
  }
};

struct Int8NeonI8mm : Int8Neon {
  static Sum mmla(Sum sum, uint32x4_t a, uint32x4_t b) {
    return vmmlaq_s32(sum, vreinterpretq_s8_u32(a), vreinterpretq_s8_u32(b));
  }
  static Sum row_of(Sum a, Sum b, std::size_t i) {
    const int64x2_t left = vreinterpretq_s64_s32(a);
    const int64x2_t right = vreinterpretq_s64_s32(b);
    return vreinterpretq_s32_s64(i == 0 ? vtrn1q_s64(left, right) : vtrn2q_s64(left, right));
  }
};

}  // namespace
}  // namespace amanuensis::kernels
