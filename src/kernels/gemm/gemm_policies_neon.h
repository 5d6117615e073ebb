// How plain NEON multiplies units of four bytes: FMA; FMA on widened bfloat16; and byte products summed in pairs.
// Included only by *_neon*.cc files.
#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "kernels/gemm/gemm.h"
#include "kernels/simd/simd_neon.h"

namespace amanuensis::kernels {
namespace {

// 8 rows of two vectors: 16 sums of 32 registers; with more, GCC 12 keeps some of them in memory.
struct Float32Neon {
  using V = Neon;
  using Sum = float32x4_t;
  using Left = float32x4_t;
  using Right = float32x4_t;
  static constexpr std::size_t kValues = 1;
  static constexpr int kBlockRows = 8;
  static constexpr int kMaxSums = 16;

  static Sum zero() { return vdupq_n_f32(0.0f); }
  static Left broadcast(const std::uint32_t* p) { return vreinterpretq_f32_u32(vld1q_dup_u32(p)); }
  static Right load(const std::uint32_t* p) { return vreinterpretq_f32_u32(vld1q_u32(p)); }
  static Right load_first(const std::uint32_t* p, std::size_t n) {
    std::uint32_t copy[V::kLanes] = {};
    for (std::size_t i = 0; i < n; ++i) copy[i] = p[i];
    return load(copy);
  }
  static Sum dot(Sum sum, Left a, Right b) { return vfmaq_f32(sum, a, b); }
  static float32x4_t finish(Sum sum) { return sum; }

  static float row_step(const float*, std::size_t) { return 1.0f; }
  static void pack_chunk(const float* x, std::size_t n, float, std::uint32_t* to) {
    for (std::size_t i = 0; i < kChunkUnits; i += 4) {
      const std::size_t count = n <= i ? 0 : n - i;
      const float32x4_t values = count >= 4 ? vld1q_f32(x + i) : V::load_first(x + i, count);
      vst1q_u32(to + i, vreinterpretq_u32_f32(values));
    }
  }
  // Four units at once, from kValues vectors of neighbouring values.
  static void store_units(const float32x4_t (&values)[kValues], std::uint32_t* to) {
    vst1q_u32(to, vreinterpretq_u32_f32(values[0]));
  }
};

// bfloat16 is the upper half of a float32: both halves of a unit are multiplied as such.
struct BFloat16Neon {
  struct Halves {
    float32x4_t low;
    float32x4_t high;
  };
  using V = Neon;
  using Sum = float32x4_t;
  using Left = Halves;
  using Right = Halves;
  static constexpr std::size_t kValues = 2;
  static constexpr int kBlockRows = 8;
  static constexpr int kMaxSums = 16;

  static Halves split(uint32x4_t units) {
    return {vreinterpretq_f32_u32(vshlq_n_u32(units, 16)),
            vreinterpretq_f32_u32(vandq_u32(units, vdupq_n_u32(0xffff0000U)))};
  }
  static Sum zero() { return vdupq_n_f32(0.0f); }
  static Left broadcast(const std::uint32_t* p) { return split(vld1q_dup_u32(p)); }
  static Right load(const std::uint32_t* p) { return split(vld1q_u32(p)); }
  static Right load_first(const std::uint32_t* p, std::size_t n) {
    return split(vreinterpretq_u32_f32(Float32Neon::load_first(p, n)));
  }
  static Sum dot(Sum sum, Left a, Right b) { return vfmaq_f32(vfmaq_f32(sum, a.low, b.low), a.high, b.high); }
  static float32x4_t finish(Sum sum) { return sum; }

  // Rounds to nearest even into the upper halves.
  static uint32x4_t round_upper(float32x4_t x) {
    const uint32x4_t bits = vreinterpretq_u32_f32(x);
    const uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
    return vaddq_u32(bits, vaddq_u32(odd, vdupq_n_u32(0x7fff)));
  }
  static float row_step(const float*, std::size_t) { return 1.0f; }
  static void pack_chunk(const float* x, std::size_t n, float, std::uint32_t* to) {
    for (std::size_t i = 0; i < 2 * kChunkUnits; i += 4) {
      const std::size_t count = n <= i ? 0 : n - i;
      const float32x4_t values = count >= 4 ? vld1q_f32(x + i) : V::load_first(x + i, count);
      vst1_u32(to + i / 2, vreinterpret_u32_u16(vshrn_n_u32(round_upper(values), 16)));
    }
  }
  // Four units at once, from kValues vectors of neighbouring values.
  static void store_units(const float32x4_t (&values)[kValues], std::uint32_t* to) {
    vst1q_u32(to, vsriq_n_u32(round_upper(values[1]), round_upper(values[0]), 16));
  }
};

// Rows of x as symmetric bytes, for both ways to multiply them.
struct Int8RowsNeon {
  static float row_step(const float* x, std::size_t n) {
    float32x4_t largest = vdupq_n_f32(0.0f);
    std::size_t i = 0;
    for (; i + 4 <= n; i += 4) largest = Neon::max(largest, vabsq_f32(vld1q_f32(x + i)));
    if (i < n) largest = Neon::max(largest, vabsq_f32(Neon::load_first(x + i, n - i)));
    return Neon::reduce_max(largest) / 127.0f;
  }
  static int16x4_t quantise(const float* x, std::size_t n, float inverse) {
    const float32x4_t values = n >= 4 ? vld1q_f32(x) : Neon::load_first(x, n);
    return vqmovn_s32(vcvtnq_s32_f32(vmulq_n_f32(values, inverse)));
  }
  static void pack_chunk(const float* x, std::size_t n, float inverse, std::uint32_t* to) {
    for (std::size_t i = 0; i < 4 * kChunkUnits; i += 8) {
      const std::size_t count = n <= i ? 0 : n - i;
      const int16x4_t low = quantise(x + i, count, inverse);
      const int16x4_t high = quantise(x + i + 4, count <= 4 ? 0 : count - 4, inverse);
      const int8x8_t bytes = vmax_s8(vqmovn_s16(vcombine_s16(low, high)), vdup_n_s8(-127));
      vst1_u32(to + i / 4, vreinterpret_u32_s8(bytes));
    }
  }
};

// Bytes are at most 127 in size on both sides, so that the sum of two products fits 16 bits.
struct Int8Neon : Int8RowsNeon {
  using V = Neon;
  using Sum = int32x4_t;
  using Left = int8x16_t;
  using Right = int8x16_t;
  static constexpr std::size_t kValues = 4;
  static constexpr int kBlockRows = 8;
  static constexpr int kMaxSums = 16;

  static Sum zero() { return vdupq_n_s32(0); }
  static Left broadcast(const std::uint32_t* p) { return vreinterpretq_s8_u32(vld1q_dup_u32(p)); }
  static Right load(const std::uint32_t* p) { return vreinterpretq_s8_u32(vld1q_u32(p)); }
  static Sum dot(Sum sum, Left a, Right b) {
    const int16x8_t low = vmull_s8(vget_low_s8(a), vget_low_s8(b));
    return vpadalq_s16(sum, vpaddq_s16(low, vmull_high_s8(a, b)));
  }
  static float32x4_t columns(const GemmWeights& weights, std::size_t col) { return vld1q_f32(weights.scale + col); }
  static float32x4_t finish(Sum sum, float32x4_t columns, float row_step) {
    return vmulq_f32(vcvtq_f32_s32(sum), vmulq_n_f32(columns, row_step));
  }
};

}  // namespace
}  // namespace amanuensis::kernels
