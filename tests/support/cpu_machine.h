// The processor this test runs on as a backend, composed as the program does it. Header only.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "base/cpu_features.h"
#include "base/thread_pool.h"
#include "device/cpu/cpu_backend.h"
#include "kernels/select.h"

namespace amanuensis::test {

class CpuMachine {
 public:
  explicit CpuMachine(device::ComputeType type = device::ComputeType::kFloat32, std::size_t threads = 2,
                      std::string_view isa = {})
      : pool_(threads),
        backend_(device::make_cpu_backend(
            {.pool = pool_, .kernels = kernels::select_kernels(detect_cpu_features(), isa), .compute_type = type})) {}

  device::Backend& backend() { return *backend_; }

 private:
  ThreadPool pool_;
  std::unique_ptr<device::Backend> backend_;
};

}  // namespace amanuensis::test
