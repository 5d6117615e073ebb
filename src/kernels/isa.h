// The instruction sets that kernels are written for. Every variant of every operation names one of these; the CMake
// room compiles files named *_<isa>.cc with that set's flags.
#pragma once

#include <string_view>

#include "base/cpu_features.h"

namespace amanuensis::kernels {

enum class Isa {
  kScalar,       // plain C++, the readable reference, runs anywhere
  kNeon,         // what every 64-bit Arm processor has
  kNeonDotprod,  // and SDOT (Armv8.2)
  kNeonBf16,     // and BFDOT, BFMMLA, SMMLA (Armv8.6)
  kAvx2,         // AVX2, FMA, F16C
  kAvx512F,      // AVX-512 F, BW, VL, DQ
  kAvx512Vnni,   // and VNNI
  kAvx512,       // and BF16
};

constexpr std::string_view to_string(Isa isa) {
  switch (isa) {
    case Isa::kScalar:
      return "scalar";
    case Isa::kNeon:
      return "neon";
    case Isa::kNeonDotprod:
      return "neon_dotprod";
    case Isa::kNeonBf16:
      return "neon_bf16";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512F:
      return "avx512f";
    case Isa::kAvx512Vnni:
      return "avx512_vnni";
    case Isa::kAvx512:
      return "avx512";
  }
  return "unknown";
}

// Whether code compiled for `isa` runs on a processor with these features.
constexpr bool runs_on(Isa isa, const CpuFeatures& cpu) {
  const bool avx2 = cpu.avx2 && cpu.fma && cpu.f16c;
  const bool avx512f = avx2 && cpu.avx512f && cpu.avx512bw && cpu.avx512vl && cpu.avx512dq;
  switch (isa) {
    case Isa::kScalar:
      return true;
    case Isa::kNeon:
      return cpu.neon;
    case Isa::kNeonDotprod:
      return cpu.neon && cpu.dotprod;
    case Isa::kNeonBf16:
      return cpu.neon && cpu.dotprod && cpu.bf16 && cpu.i8mm;
    case Isa::kAvx2:
      return avx2;
    case Isa::kAvx512F:
      return avx512f;
    case Isa::kAvx512Vnni:
      return avx512f && cpu.avx512vnni;
    case Isa::kAvx512:
      return avx512f && cpu.avx512vnni && cpu.avx512bf16;
  }
  return false;
}

}  // namespace amanuensis::kernels
