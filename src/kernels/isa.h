// The instruction sets that kernels are written for. Every variant of every operation names one of these; the CMake
// room compiles files named *_<isa>.cc with that set's flags.
#pragma once

#include <string_view>

#include "base/cpu_features.h"

namespace amanuensis::kernels {

enum class Isa {
  kScalar,  // plain C++, the readable reference, runs anywhere
  kNeon,    // Armv8.2 with dot product and half precision
  kAvx2,    // AVX2, FMA, F16C
  kAvx512,  // AVX-512 F, BW, VL, DQ, VNNI, BF16
};

constexpr std::string_view to_string(Isa isa) {
  switch (isa) {
    case Isa::kScalar:
      return "scalar";
    case Isa::kNeon:
      return "neon";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512:
      return "avx512";
  }
  return "unknown";
}

// Whether code compiled for `isa` runs on a processor with these features.
constexpr bool runs_on(Isa isa, const CpuFeatures& cpu) {
  const bool avx2 = cpu.avx2 && cpu.fma && cpu.f16c;
  switch (isa) {
    case Isa::kScalar:
      return true;
    case Isa::kNeon:
      return cpu.neon && cpu.dotprod && cpu.fp16;
    case Isa::kAvx2:
      return avx2;
    case Isa::kAvx512:
      return avx2 && cpu.avx512f && cpu.avx512bw && cpu.avx512vl && cpu.avx512dq && cpu.avx512vnni && cpu.avx512bf16;
  }
  return false;
}

}  // namespace amanuensis::kernels
