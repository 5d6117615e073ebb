#include "ceilings.h"

#include <algorithm>
#include <ctime>
#include <map>
#include <utility>

#include "base/aligned_buffer.h"
#include "base/cpu_features.h"
#include "kernels/ceilings/ceilings.h"

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

double measure_peak(Isa isa, GemmType type) {
  constexpr std::uint64_t kTurns = 1000000;
  for (const kernels::PeakVariant& variant : kernels::peak_variants()) {
    if (variant.isa != isa || variant.type != type) continue;
    return best_rate(variant.operations_per_turn * kTurns, [&variant] { variant.run(kTurns); });
  }
  return 0;
}

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
    AlignedBuffer<std::byte> memory(kBytes);
    std::ranges::fill(memory.span(), std::byte{1});  // pages that nobody has written are all the same one
    const CpuFeatures cpu = detect_cpu_features();
    const auto variants = kernels::stream_variants();
    const auto best = std::ranges::find_if(variants, [&cpu](const auto& v) { return kernels::runs_on(v.isa, cpu); });
    return 1e-9 * best_rate(kBytes, [&] { best->read(memory.data(), kBytes); });
  }();
  return measured;
}

}  // namespace amanuensis::bench
