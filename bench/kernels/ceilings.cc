#include "ceilings.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <utility>
#include <vector>

#include "base/cpu_features.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace amanuensis::bench {
namespace {

using kernels::GemmType;
using kernels::Isa;

// Processor time of this thread: the machine may be shared.
double thread_seconds() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// The best of several runs: other programs share the machine.
template <typename Loop>
double best_rate(double operations, const Loop& loop) {
  double best = 0;
  for (int run = 0; run < 10; ++run) {
    const double start = thread_seconds();
    loop();
    best = std::max(best, operations / (thread_seconds() - start));
  }
  return best;
}

constexpr int kTurns = 1000000;

#if defined(__x86_64__)
// Twelve independent chains of one instruction, written out so that no compiler can fold or spill them.
#define AMANUENSIS_PEAK(name, features, vector, instructions)                                                         \
  __attribute__((target(features))) void name() {                                                                     \
    vector s0 = {}, s1 = {}, s2 = {}, s3 = {}, s4 = {}, s5 = {};                                                      \
    vector s6 = {}, s7 = {}, s8 = {}, s9 = {}, s10 = {}, s11 = {};                                                    \
    const vector a = {};                                                                                              \
    vector t = {};                                                                                                    \
    for (int i = 0; i < kTurns; ++i) {                                                                                \
      __asm__ volatile(instructions("%0") instructions("%1") instructions("%2") instructions("%3") instructions("%4") \
                           instructions("%5") instructions("%6") instructions("%7") instructions("%8")                \
                               instructions("%9") instructions("%10") instructions("%11")                             \
                       : "+v"(s0), "+v"(s1), "+v"(s2), "+v"(s3), "+v"(s4), "+v"(s5), "+v"(s6), "+v"(s7), "+v"(s8),    \
                         "+v"(s9), "+v"(s10), "+v"(s11), "+v"(t)                                                      \
                       : "v"(a));                                                                                     \
    }                                                                                                                 \
  }
#define AMANUENSIS_FMA(sum) "vfmadd231ps %13, %13, " sum "\n\t"
#define AMANUENSIS_BF16(sum) "vdpbf16ps %13, %13, " sum "\n\t"
#define AMANUENSIS_VNNI(sum) "vpdpbusd %13, %13, " sum "\n\t"
#define AMANUENSIS_MADD(sum) "vpmaddubsw %13, %13, %12\n\tvpmaddwd %12, %13, %12\n\tvpaddd %12, " sum ", " sum "\n\t"
AMANUENSIS_PEAK(fma_avx512, "avx512f", __m512, AMANUENSIS_FMA)
AMANUENSIS_PEAK(bf16_avx512, "avx512f,avx512bf16", __m512, AMANUENSIS_BF16)
AMANUENSIS_PEAK(vnni_avx512, "avx512f,avx512vnni", __m512i, AMANUENSIS_VNNI)
AMANUENSIS_PEAK(fma_avx2, "avx2,fma", __m256, AMANUENSIS_FMA)
AMANUENSIS_PEAK(madd_avx2, "avx2", __m256i, AMANUENSIS_MADD)
#undef AMANUENSIS_PEAK

double measure_peak(Isa isa, GemmType type) {
  const double turns = 12.0 * kTurns;
  if (isa == Isa::kAvx512) {
    switch (type) {
      case GemmType::kFloat32:
        return best_rate(turns * 32, fma_avx512);
      case GemmType::kBFloat16:
        return best_rate(turns * 64, bf16_avx512);
      case GemmType::kInt8:
        return best_rate(turns * 128, vnni_avx512);
    }
  }
  if (isa == Isa::kAvx2) {
    // bfloat16 is widened to float32 there.
    return type == GemmType::kInt8 ? best_rate(turns * 64, madd_avx2) : best_rate(turns * 16, fma_avx2);
  }
  return 0;
}
#else
double measure_peak(Isa, GemmType) { return 0; }
#endif

}  // namespace

double peak_gops(Isa isa, GemmType type) {
  static std::map<std::pair<Isa, GemmType>, double> measured;
  const auto [found, is_new] = measured.try_emplace({isa, type}, 0.0);
  if (is_new && kernels::runs_on(isa, detect_cpu_features())) found->second = measure_peak(isa, type) * 1e-9;
  return found->second;
}

double read_gbytes_per_s() {
  static const double measured = [] {
    constexpr std::size_t kBytes = std::size_t{256} << 20;
    const std::vector<std::uint64_t> memory(kBytes / 8, 1);
    return 1e-9 * best_rate(kBytes, [&memory] {
             std::uint64_t sums[8] = {};
             for (std::size_t i = 0; i < memory.size(); i += 8) {
               for (std::size_t j = 0; j < 8; ++j) sums[j] += memory[i + j];
             }
             benchmark::DoNotOptimize(sums);
           });
  }();
  return measured;
}

}  // namespace amanuensis::bench
