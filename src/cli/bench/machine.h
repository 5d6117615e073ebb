// What a benchmark says about the machine it ran on: what it is, and the most it can do, measured in the same run.
// One thread at a time.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/cpu_features.h"
#include "base/thread_pool.h"
#include "kernels/gemm/gemm.h"
#include "kernels/isa.h"

namespace amanuensis::cli {

struct Machine {
  std::string cpu;       // as the system calls it
  std::size_t cpus = 0;  // that this process may use
  double memory_gb = 0;
  std::string system;  // kernel and architecture
  std::string date;    // UTC, ISO 8601
  std::size_t last_cache_bytes = 0;
};

Machine describe_machine();
nlohmann::ordered_json to_json(const Machine& machine);

// Memory that this process holds now, and the most it ever held, in MB (1e6 bytes); 0 where the system does not say.
double resident_mb();
double peak_resident_mb();

// The most that some threads together can do with one instruction set. 1e9 operations or bytes a second; a multiply and
// an add are two operations.
struct Ceilings {
  std::size_t threads = 1;
  double fp32_gflops = 0;
  double bf16_gflops = 0;
  double int8_gops = 0;
  double read_gbs = 0;    // memory read in order
  double update_gbs = 0;  // memory read and written back in order, both counted

  double of(kernels::GemmType type) const;
};

// Measures all of it with the pool's threads, about a tenth of a second each.
Ceilings measure_ceilings(kernels::Isa isa, ThreadPool& pool, std::size_t last_cache_bytes);
nlohmann::ordered_json to_json(const Ceilings& ceilings);

// {"fp32_gflops", ...} of all threads, "threads", and "one_thread" with the same of one.
nlohmann::ordered_json to_json(const Ceilings& one, const Ceilings& all, kernels::Isa isa);

// More than the caches hold: data that is used in turn over so many bytes comes from memory.
std::size_t out_of_cache_bytes(std::size_t last_cache_bytes);

}  // namespace amanuensis::cli
