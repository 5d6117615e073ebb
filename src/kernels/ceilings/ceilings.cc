#include "kernels/ceilings/ceilings.h"

#include "kernels/ceilings/ceilings_impl.h"

namespace amanuensis::kernels {
namespace {

// Operations of one turn: a multiply and an add for every value of every chain.
constexpr double turn(int values) { return 2.0 * kPeakChains * values; }

}  // namespace

std::span<const PeakVariant> peak_variants() {
  static constexpr double kScalarTurn = 2.0 * kScalarPeakFloats;
  static constexpr PeakVariant kVariants[] = {
#if defined(__x86_64__)
    {Isa::kAvx512, GemmType::kFloat32, turn(16), peak_f32_avx512f},
    {Isa::kAvx512, GemmType::kBFloat16, turn(32), peak_bf16_avx512},
    {Isa::kAvx512, GemmType::kInt8, turn(64), peak_int8_avx512_vnni},
    {Isa::kAvx512Vnni, GemmType::kFloat32, turn(16), peak_f32_avx512f},
    {Isa::kAvx512Vnni, GemmType::kBFloat16, turn(8), peak_f32_avx2},
    {Isa::kAvx512Vnni, GemmType::kInt8, turn(64), peak_int8_avx512_vnni},
    {Isa::kAvx512F, GemmType::kFloat32, turn(16), peak_f32_avx512f},
    {Isa::kAvx512F, GemmType::kBFloat16, turn(8), peak_f32_avx2},
    {Isa::kAvx512F, GemmType::kInt8, turn(32), peak_int8_avx2},
    {Isa::kAvx2, GemmType::kFloat32, turn(8), peak_f32_avx2},
    {Isa::kAvx2, GemmType::kBFloat16, turn(8), peak_f32_avx2},
    {Isa::kAvx2, GemmType::kInt8, turn(32), peak_int8_avx2},
#elif defined(__aarch64__)
    {Isa::kNeonBf16, GemmType::kFloat32, turn(4), peak_f32_neon},
    {Isa::kNeonBf16, GemmType::kBFloat16, turn(16), peak_bf16_neon_bf16},
    {Isa::kNeonBf16, GemmType::kInt8, turn(32), peak_int8_neon_bf16},
    {Isa::kNeonDotprod, GemmType::kFloat32, turn(4), peak_f32_neon},
    {Isa::kNeonDotprod, GemmType::kBFloat16, turn(4), peak_f32_neon},
    {Isa::kNeonDotprod, GemmType::kInt8, turn(16), peak_int8_neon_dotprod},
    {Isa::kNeon, GemmType::kFloat32, turn(4), peak_f32_neon},
    {Isa::kNeon, GemmType::kBFloat16, turn(4), peak_f32_neon},
    {Isa::kNeon, GemmType::kInt8, turn(8), peak_int8_neon},
#endif
    {Isa::kScalar, GemmType::kFloat32, kScalarTurn, peak_f32_scalar},
    {Isa::kScalar, GemmType::kBFloat16, kScalarTurn, peak_f32_scalar},
    {Isa::kScalar, GemmType::kInt8, kScalarTurn, peak_f32_scalar},
  };
  return kVariants;
}

std::span<const StreamVariant> stream_variants() {
  static constexpr StreamVariant kVariants[] = {
#if defined(__x86_64__)
    {Isa::kAvx512, stream_read_avx512f, stream_update_avx512f},
    {Isa::kAvx512Vnni, stream_read_avx512f, stream_update_avx512f},
    {Isa::kAvx512F, stream_read_avx512f, stream_update_avx512f},
    {Isa::kAvx2, stream_read_avx2, stream_update_avx2},
#elif defined(__aarch64__)
    {Isa::kNeonBf16, stream_read_neon, stream_update_neon},
    {Isa::kNeonDotprod, stream_read_neon, stream_update_neon},
    {Isa::kNeon, stream_read_neon, stream_update_neon},
#endif
    {Isa::kScalar, stream_read_scalar, stream_update_scalar},
  };
  return kVariants;
}

}  // namespace amanuensis::kernels
