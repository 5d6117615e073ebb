// The processor as a Backend: the port's operations on our own kernels, spread over a thread pool. Holds scratch memory
// that grows to the largest call and is then reused, hence (as the port says) one compute call at a time; prepared
// weights are immutable and shared freely.
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
