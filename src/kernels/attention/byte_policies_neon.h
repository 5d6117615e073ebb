// How NEON multiplies bytes in attention. All are signed: weights keep seven bits, and keys need nothing added. Over
// one of the int8 policies of the matrix product. Included only by *_neon*.cc files.
#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "kernels/gemm/gemm_policies_neon.h"

namespace amanuensis::kernels {
namespace {

template <typename Int8>
struct BytesNeon {
  using V = Neon;
  using Int = int32x4_t;
  static constexpr int kKeyLimit = 127;  // keys lie in [-kKeyLimit, kKeyLimit], and kKeyOffset is added to them
  static constexpr int kKeyOffset = 0;
  static constexpr float kWeightLimit = 127.0f;
  static constexpr float kLargestWeightLog2 = 6.98868469f;  // log2(kWeightLimit)

  // Products as the tiles of gemm_simd.h want them: a broadcast key or value meets a vector of queries or weights.
  using Scores = Int8;
  using Values = Int8;
  using CachedKeys = Int8;
  // A chunk of keys times `inverse`, rounded.
  static void pack_keys(const float* x, std::size_t n, float inverse, std::uint32_t* to) {
    Int8::pack_chunk(x, n, inverse, to);
  }
  // A chunk of queries times `inverse`, rounded, signed.
  static void pack_signed(const float* x, std::size_t n, float inverse, std::uint32_t* to) {
    Int8::pack_chunk(x, n, inverse, to);
  }
  static Int cached_offset(std::int32_t) { return zero(); }

  static Int dot(Int sum, Int weights, int8x16_t values) {
    return Int8::dot(sum, vreinterpretq_s8_s32(weights), values);
  }
  static Int broadcast(const std::uint32_t* p) { return vreinterpretq_s32_u32(vld1q_dup_u32(p)); }
  static int8x16_t load_first(const std::uint32_t* p, std::size_t n) {
    return vreinterpretq_s8_f32(Float32Neon::load_first(p, n));
  }
  static Int subtract(Int a, Int b) { return vsubq_s32(a, b); }
  // Four weights in [0, 16383], rounded, as their upper and lower seven bits.
  static void split_weights(float32x4_t x, std::uint8_t* high, std::uint8_t* low) {
    const Int whole = vcvtnq_s32_f32(x);
    store_bytes(high, vshrq_n_s32(whole, 7));
    store_bytes(low, vandq_s32(whole, vdupq_n_s32(127)));
  }

  static Int zero() { return vdupq_n_s32(0); }
  static Int load(const std::int32_t* p) { return vld1q_s32(p); }
  // The same bits.
  static Int to_units(float32x4_t x) { return vreinterpretq_s32_f32(x); }
  static float32x4_t to_float(Int x) { return vcvtq_f32_s32(x); }
  // The sum of four bytes added to each lane.
  static Int add_bytes(Int sum, Int units) { return Int8::dot(sum, vreinterpretq_s8_s32(units), vdupq_n_s8(1)); }
  // Four values of each lane, in [0, 127], rounded to bytes, as one unit: x[0] in the lowest byte.
  static Int make_units(const float32x4_t (&x)[4]) {
    const Int low = vsliq_n_s32(vcvtnq_s32_f32(x[0]), vcvtnq_s32_f32(x[1]), 8);
    const Int high = vsliq_n_s32(vcvtnq_s32_f32(x[2]), vcvtnq_s32_f32(x[3]), 8);
    return vsliq_n_s32(low, high, 16);
  }
  static void store_units(std::uint32_t* to, Int units) { vst1q_u32(to, vreinterpretq_u32_s32(units)); }

 private:
  static void store_bytes(std::uint8_t* to, Int x) {
    const int16x4_t words = vmovn_s32(x);
    const std::uint32_t bytes = vget_lane_u32(vreinterpret_u32_s8(vmovn_s16(vcombine_s16(words, words))), 0);
    __builtin_memcpy(to, &bytes, sizeof(bytes));
  }
};

}  // namespace
}  // namespace amanuensis::kernels
