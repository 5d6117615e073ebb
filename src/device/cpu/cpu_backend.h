// The processor as a Backend: the port's operations on our own kernels, spread over a thread pool. One call at a time,
// preparing weights included: they share the pool, and scratch memory that grows to the largest call and is then
// reused. Prepared weights are immutable and shared freely.
//
// What each compute type multiplies in:
//   float32   everything float32
//   bfloat16  linears, convolutions and attention in bfloat16 with float32 sums; caches bfloat16
//   int8      linears, attention and caches int8 (rows quantised on the fly), attention and caches bfloat16 on
//   processors
//             without kernels for their bytes; convolutions as bfloat16
#pragma once

#include <memory>

#include "base/thread_pool.h"
#include "device/backend.h"
#include "kernels/select.h"

namespace amanuensis::device {

struct CpuBackendOptions {
  // Runs the work; must outlive the backend. While a compute call runs, nobody else may use it.
  ThreadPool& pool;
  // From kernels::select_kernels.
  kernels::KernelTable kernels;
  ComputeType compute_type = ComputeType::kFloat32;
};

std::unique_ptr<Backend> make_cpu_backend(const CpuBackendOptions& options);

}  // namespace amanuensis::device
