#include "base/cpu_features.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace amanuensis {
namespace {

#if defined(__x86_64__)
// Clang 14's __builtin_cpu_supports does not know this one. Whether the system saves the registers it needs is what
// "avx2" answers.
bool has_f16c() {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
}
#endif

}  // namespace

CpuFeatures detect_cpu_features() {
  CpuFeatures features;
#if defined(__x86_64__)
  __builtin_cpu_init();
  // The builtin answers int (GCC) or bool (Clang).
  features.avx2 = __builtin_cpu_supports("avx2") != 0;
  features.fma = __builtin_cpu_supports("fma") != 0;
  features.f16c = features.avx2 && has_f16c();
  features.avx512f = __builtin_cpu_supports("avx512f") != 0;
  features.avx512bw = __builtin_cpu_supports("avx512bw") != 0;
  features.avx512vl = __builtin_cpu_supports("avx512vl") != 0;
  features.avx512dq = __builtin_cpu_supports("avx512dq") != 0;
  features.avx512vnni = __builtin_cpu_supports("avx512vnni") != 0;
  features.avx512bf16 = __builtin_cpu_supports("avx512bf16") != 0;
#elif defined(__aarch64__) && defined(__linux__)
  const unsigned long caps = getauxval(AT_HWCAP);
  features.neon = (caps & HWCAP_ASIMD) != 0;
  features.dotprod = (caps & HWCAP_ASIMDDP) != 0;
  features.fp16 = (caps & HWCAP_ASIMDHP) != 0;
  const unsigned long more_caps = getauxval(AT_HWCAP2);
  features.bf16 = (more_caps & HWCAP2_BF16) != 0;
  features.i8mm = (more_caps & HWCAP2_I8MM) != 0;
#endif
  return features;
}

}  // namespace amanuensis
