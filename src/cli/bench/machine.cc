#include "cli/bench/machine.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <fstream>

#include "base/aligned_buffer.h"
#include "cli/bench/timing.h"
#include "kernels/ceilings/ceilings.h"

namespace amanuensis::cli {
namespace {

constexpr double kCeilingSeconds = 0.03;
constexpr std::size_t kCeilingRounds = 6;
constexpr std::size_t kMostCeilingRounds = 24;

std::string cpu_name() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("model name")) continue;
    const std::size_t colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown processor";
}

std::size_t allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return static_cast<std::size_t>(std::max(1, CPU_COUNT(&set)));
}

// Of the first CPU, as the kernel lists them; 0 when it does not. (sysconf's answer is wrong on virtual machines.)
std::size_t last_cache_bytes() {
  std::size_t largest = 0;
  for (int index = 0; index < 8; ++index) {
    std::ifstream in(fmt::format("/sys/devices/system/cpu/cpu0/cache/index{}/size", index));
    std::size_t size = 0;
    char unit = 0;
    if (!(in >> size >> unit)) continue;
    largest = std::max(largest, size << (unit == 'M' ? 20U : 10U));
  }
  return largest;
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts = {};
  gmtime_r(&now, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

template <typename Variant>
const Variant* variant_of(std::span<const Variant> variants, kernels::Isa isa) {
  const auto found = std::ranges::find(variants, isa, &Variant::isa);
  return found == variants.end() ? &variants.back() : &*found;
}

double peak(const kernels::PeakVariant& variant, ThreadPool& pool) {
  constexpr std::uint64_t kTurns = 20000;  // some 50 microseconds
  // Enough that every thread has joined in long before the end.
  const std::size_t tasks = 32 * pool.threads();
  const double seconds = best_seconds(
      {.threads = pool.threads(),
       .seconds = kCeilingSeconds,
       .rounds = kCeilingRounds,
       .most_rounds = kMostCeilingRounds},
      [&] { pool.parallel_for(tasks, [&](std::size_t /*i*/, std::size_t /*worker*/) { variant.run(kTurns); }); });
  return 1e-9 * variant.operations_per_turn * kTurns * static_cast<double>(tasks) / seconds;
}

// Billions of bytes a second of `visit(first byte, bytes)` over a buffer in 1 MiB pieces.
template <typename Visit>
double stream(std::size_t size_bytes, ThreadPool& pool, const Visit& visit) {
  constexpr std::size_t kPiece = std::size_t{1} << 20U;
  const std::size_t pieces = size_bytes / kPiece;
  const double seconds = best_seconds(
      {.threads = pool.threads(),
       .seconds = kCeilingSeconds,
       .rounds = kCeilingRounds,
       .most_rounds = kMostCeilingRounds},
      [&] { pool.parallel_for(pieces, [&](std::size_t i, std::size_t /*worker*/) { visit(i * kPiece, kPiece); }); });
  return 1e-9 * static_cast<double>(pieces * kPiece) / seconds;
}

}  // namespace

Machine describe_machine() {
  Machine machine;
  machine.cpu = cpu_name();
  machine.cpus = allowed_cpus();
  machine.date = utc_now();
  machine.memory_gb = 1e-9 * static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  utsname names = {};
  if (uname(&names) == 0) machine.system = fmt::format("{} {} {}", names.sysname, names.release, names.machine);
  machine.last_cache_bytes = last_cache_bytes();
  return machine;
}

double resident_mb() {
  std::ifstream in("/proc/self/statm");
  double total_pages = 0;
  double resident_pages = 0;
  in >> total_pages >> resident_pages;
  return 1e-6 * resident_pages * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double peak_resident_mb() {
  rusage usage = {};
  return getrusage(RUSAGE_SELF, &usage) == 0 ? 1e-3 * 1.024 * static_cast<double>(usage.ru_maxrss) : 0.0;
}

double Ceilings::of(kernels::GemmType type) const {
  switch (type) {
    case kernels::GemmType::kFloat32:
      return fp32_gflops;
    case kernels::GemmType::kBFloat16:
      return bf16_gflops;
    case kernels::GemmType::kInt8:
      return int8_gops;
  }
  return 0;
}

Ceilings measure_ceilings(kernels::Isa isa, ThreadPool& pool, std::size_t last_cache_bytes) {
  Ceilings ceilings{.threads = pool.threads()};
  for (const kernels::PeakVariant& variant : kernels::peak_variants()) {
    if (variant.isa != isa) continue;
    const double gops = peak(variant, pool);
    if (variant.type == kernels::GemmType::kFloat32) ceilings.fp32_gflops = gops;
    if (variant.type == kernels::GemmType::kBFloat16) ceilings.bf16_gflops = gops;
    if (variant.type == kernels::GemmType::kInt8) ceilings.int8_gops = gops;
  }
  const kernels::StreamVariant& streams = *variant_of(kernels::stream_variants(), isa);
  AlignedBuffer<float> memory(out_of_cache_bytes(last_cache_bytes) / sizeof(float));
  std::ranges::fill(memory.span(), 1.0f);  // pages that nobody has written are all the same one, in the cache
  const std::size_t bytes = memory.size() * sizeof(float);
  auto* first = reinterpret_cast<std::byte*>(memory.data());
  ceilings.read_gbs = stream(bytes, pool, [&](std::size_t at, std::size_t count) { streams.read(first + at, count); });
  ceilings.update_gbs = 2 * stream(bytes, pool, [&](std::size_t at, std::size_t count) {
                          streams.update(memory.data() + at / sizeof(float), count, 1.0f);
                        });
  return ceilings;
}

std::size_t out_of_cache_bytes(std::size_t last_cache_bytes) {
  constexpr std::size_t kLeast = std::size_t{64} << 20U;
  constexpr std::size_t kMost = std::size_t{512} << 20U;
  return std::clamp(2 * last_cache_bytes, kLeast, kMost);
}

}  // namespace amanuensis::cli
