// Times every kernel at Whisper's shapes, through the backend that the model uses (so with packing, quantising and
// threads), and says how much of the machine's ceilings it reaches; products beside other libraries', turn by turn.
// One thread at a time.
#pragma once

#include <cstddef>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "cli/bench/machine.h"
#include "cli/bench/peers.h"
#include "device/backend.h"
#include "kernels/select.h"
#include "model/checkpoint/published_sizes.h"

namespace amanuensis::cli {

// What a kernel cannot exceed: the multiply instruction of its type, reading memory, or reading and writing it.
enum class Bound { kCompute, kRead, kUpdate };
std::string_view to_string(Bound bound);

struct KernelResult {
  std::string name;   // "gemm"
  std::string shape;  // gemm: rows x in x out
  device::ComputeType type = device::ComputeType::kFloat32;
  kernels::Isa isa = kernels::Isa::kScalar;
  std::size_t threads = 1;
  Bound bound = Bound::kCompute;
  std::size_t rows = 0;  // gemm and cached attention: rows or sequences at once
  double seconds = 0;    // of one call
  double gflops = 0;     // 1e9 operations a second
  double gbs = 0;        // 1e9 bytes a second from (and to) memory; 0 when the ceiling is arithmetic
  double share = 0;      // of the ceiling
  double realtime = 0;   // log-mel: seconds of audio a second
  std::string peer;      // the library compared with; empty: none
  double peer_gflops = 0;

  double peer_ratio() const { return peer_gflops > 0 ? gflops / peer_gflops : 0; }
};

// The names of the kernels, in the order they are timed.
std::span<const std::string_view> kernel_names();

struct KernelBenchOptions {
  std::vector<std::string> kernels;         // of kernel_names()
  std::vector<model::PublishedSize> sizes;  // whose layers give the shapes
  std::vector<device::ComputeType> types;
  std::vector<std::size_t> rows = {1500, 1, 4, 16};  // of products; more than 16 are an encoder's, fewer a decoder's
  double seconds = 0.02;  // of one burst of calls; there are at least two for each kernel and shape
  // Memory that few-row kernels stream through, so that their operands do not come from a cache.
  std::size_t out_of_cache_bytes = std::size_t{64} << 20U;
};

// One instruction set and number of threads to run everything with.
struct KernelBenchRun {
  const kernels::KernelTable& kernels;
  const Ceilings& ceilings;  // of this instruction set and number of threads
  ThreadPool& pool;
  const Peers* peers = nullptr;  // absent: not compared
};

using OnKernelResult = std::function<void(const KernelResult&)>;

// Calls `on_result` after each. Throws Error{kCancelled} once `stop` is requested.
void bench_kernels(const KernelBenchOptions& options, const KernelBenchRun& run, const OnKernelResult& on_result,
                   const std::stop_token& stop);

}  // namespace amanuensis::cli
