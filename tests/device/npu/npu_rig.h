// An executor on a simulated NPU with its operations, and what the NPU's tests measure with. Header only.
#pragma once

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <random>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "audio/log_mel.h"
#include "base/cpu_features.h"
#include "device/npu/executor.h"
#include "device/npu/fault_injection.h"
#include "device/npu/host_mel.h"
#include "device/npu/operations.h"
#include "device/npu/simulator/simulator.h"

namespace amanuensis::device::npu {

inline double correlation(std::span<const float> a, std::span<const float> b) {
  double mean_a = 0;
  double mean_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    mean_a += a[i];
    mean_b += b[i];
  }
  mean_a /= static_cast<double>(a.size());
  mean_b /= static_cast<double>(b.size());
  double ab = 0;
  double aa = 0;
  double bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - mean_a) * (b[i] - mean_b);
    aa += (a[i] - mean_a) * (a[i] - mean_a);
    bb += (b[i] - mean_b) * (b[i] - mean_b);
  }
  return ab / std::sqrt(aa * bb);
}

inline std::vector<float> gaussian(std::size_t count, std::uint32_t seed, float deviation = 1) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> values(0, deviation);
  std::vector<float> out(count);
  for (float& value : out) value = values(generator);
  return out;
}

// A clock that stands still until it is told to go on.
struct FakeClock {
  std::chrono::steady_clock::time_point now{};
  void advance(std::chrono::milliseconds by) { now += by; }
};

struct NpuRig {
  explicit NpuRig(OpenRuntime open = [] { return make_simulator({.threads = 2}); })
      : executor({.open = std::move(open),
                  .catalog = catalog,
                  .timeout = timeout,
                  .now = [this] { return clock.now; },
                  .on_event =
                      [this](EventLevel, const std::string& text) {
                        const std::scoped_lock lock(events_mutex);
                        events.push_back(text);
                      }}),
        operations(executor, best_tile_kernels(detect_cpu_features())) {}

  KernelStatus status(const std::string& name) const {
    for (const KernelStatus& each : executor.status().kernels) {
      if (each.name == name) return each;
    }
    return {};
  }
  OperationCount count(const std::string& name) const {
    for (const OperationCount& each : operations.counts()) {
      if (each.name == name) return each;
    }
    return {};
  }

  static constexpr std::chrono::milliseconds timeout{20000};
  FakeClock clock;
  std::mutex events_mutex;
  std::vector<std::string> events;
  Catalog catalog;
  Executor executor;
  Operations operations;
};

// The NPU in the place of the CPU, as the program uses it.
class OnNpu final : public audio::MelDevice {
 public:
  OnNpu(NpuRig& rig, std::string kernel) : rig_(rig), kernel_(std::move(kernel)) {}
  bool can_do(std::size_t n_mels) const override { return n_mels == 80; }
  void log_bands(const ReadFrame& read, float largest, TensorView<float> out) override {
    log_mel_bands(rig_.operations, {.count = out.cols(), .read = read}, out, {.kernel = kernel_, .largest = largest});
  }

 private:
  NpuRig& rig_;
  const std::string kernel_;
};

}  // namespace amanuensis::device::npu
