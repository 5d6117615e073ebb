#include "device/npu/fault_injection.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace amanuensis::device::npu {
namespace {

class FaultyBuffer final : public NpuBuffer {
 public:
  FaultyBuffer(std::unique_ptr<NpuBuffer> real, bool wrong_size)
      : real_(std::move(real)), size_(real_->bytes().size() - (wrong_size ? 1 : 0)) {}
  std::span<std::byte> bytes() override { return real_->bytes().first(size_); }
  NpuBuffer& real() { return *real_; }

 private:
  std::unique_ptr<NpuBuffer> real_;
  std::size_t size_;
};

class FaultyRun final : public NpuRun {
 public:
  FaultyRun(std::unique_ptr<NpuRun> real, std::vector<NpuBuffer*> outputs)
      : real_(std::move(real)), outputs_(std::move(outputs)) {}
  NpuRun& real() { return *real_; }
  const std::vector<NpuBuffer*>& outputs() const { return outputs_; }

 private:
  std::unique_ptr<NpuRun> real_;
  std::vector<NpuBuffer*> outputs_;
};

class FaultyRuntime final : public NpuRuntime {
 public:
  FaultyRuntime(std::unique_ptr<NpuRuntime> real, std::shared_ptr<FaultPlan> plan)
      : real_(std::move(real)), plan_(std::move(plan)) {}

  DeviceInfo info() override {
    check(CallSite::kInfo);
    return real_->info();
  }
  std::unique_ptr<NpuKernel> load_kernel(const KernelRequest& request) override {
    check(CallSite::kLoad);
    return real_->load_kernel(request);
  }
  std::unique_ptr<NpuBuffer> allocate(const NpuKernel& kernel, std::size_t argument) override {
    const bool wrong_size = check(CallSite::kAllocate);
    return std::make_unique<FaultyBuffer>(real_->allocate(kernel, argument), wrong_size);
  }
  void sync_to_device(NpuBuffer& buffer) override {
    check(CallSite::kSyncToDevice);
    real_->sync_to_device(static_cast<FaultyBuffer&>(buffer).real());
  }
  void sync_from_device(NpuBuffer& buffer) override {
    check(CallSite::kSyncFromDevice);
    real_->sync_from_device(static_cast<FaultyBuffer&>(buffer).real());
    const std::scoped_lock lock(mutex_);
    const auto spoilt = std::find(spoilt_.begin(), spoilt_.end(), &buffer);
    if (spoilt == spoilt_.end()) return;
    spoilt_.erase(spoilt);
    std::uint32_t noise = 12345;
    for (std::byte& byte : buffer.bytes()) {
      noise = noise * 1664525U + 1013904223U;
      byte = plan_->fault == Fault::kZeros ? std::byte{0} : static_cast<std::byte>(noise >> 24U);
    }
  }
  std::unique_ptr<NpuRun> start(NpuKernel& kernel, std::span<NpuBuffer* const> arguments) override {
    check(CallSite::kStart);
    std::vector<NpuBuffer*> real;
    std::vector<NpuBuffer*> outputs;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      real.push_back(arguments[i] != nullptr ? &static_cast<FaultyBuffer*>(arguments[i])->real() : nullptr);
      if (kernel.spec().arguments[i].direction == Direction::kOut) outputs.push_back(arguments[i]);
    }
    return std::make_unique<FaultyRun>(real_->start(kernel, real), std::move(outputs));
  }
  RunResult wait(NpuRun& run, std::chrono::milliseconds timeout) override {
    auto& faulty = static_cast<FaultyRun&>(run);
    const bool now = due(CallSite::kWait);
    RunResult result = real_->wait(faulty.real(), timeout);
    if (now) {
      const std::string injected = fmt::format("injected: {}", to_string(plan_->fault));
      switch (plan_->fault) {
        case Fault::kTimeout:
          return {.status = RunStatus::kTimedOut, .reason = injected};
        case Fault::kRunFailed:
          return {.status = RunStatus::kFailed, .reason = injected};
        case Fault::kGarbage:
        case Fault::kZeros: {
          const std::scoped_lock lock(mutex_);
          spoilt_.insert(spoilt_.end(), faulty.outputs().begin(), faulty.outputs().end());
          break;
        }
        case Fault::kDeviceLost:
          lost_ = true;
          break;
        default:
          raise(CallSite::kWait);
      }
    }
    if (lost_) return {.status = RunStatus::kDeviceLost, .reason = "injected: device lost"};
    return result;
  }
  void close() override {
    if (due(CallSite::kClose)) {
      real_->close();
      raise(CallSite::kClose);
    }
    real_->close();
  }

 private:
  // Whether this call is to go wrong.
  bool due(CallSite site) {
    if (site != plan_->site) return false;
    const std::size_t call = plan_->calls.fetch_add(1);
    if (call < plan_->after || call >= plan_->after + plan_->times) return false;
    plan_->injected.fetch_add(1);
    return true;
  }
  [[noreturn]] void raise(CallSite site) const {
    const bool lost = plan_->fault == Fault::kDeviceLost;
    throw Error(lost ? ErrorCode::kIo : ErrorCode::kResourceExhausted,
                fmt::format("injected: {} in {}", to_string(plan_->fault), to_string(site)));
  }
  // Throws where it should; true when a buffer of a wrong size is due.
  bool check(CallSite site) {
    const bool now = due(site);
    if (now && plan_->fault == Fault::kDeviceLost) lost_ = true;
    if (lost_) throw Error(ErrorCode::kIo, fmt::format("injected: device lost in {}", to_string(site)));
    if (now && plan_->fault != Fault::kWrongSize) raise(site);
    return now;
  }

  std::unique_ptr<NpuRuntime> real_;
  std::shared_ptr<FaultPlan> plan_;
  std::atomic<bool> lost_{false};
  std::mutex mutex_;
  std::vector<NpuBuffer*> spoilt_;
};

}  // namespace

std::string_view to_string(CallSite site) {
  static constexpr std::array<std::string_view, kCallSites> names = {
      "open", "info", "load", "allocate", "sync to the device", "sync from the device", "start", "wait", "close"};
  return names[static_cast<std::size_t>(site)];
}

std::string_view to_string(Fault fault) {
  static constexpr std::array<std::string_view, 7> names = {"error",      "device lost",    "wrong size", "time-out",
                                                            "run failed", "garbage output", "zero output"};
  return names[static_cast<std::size_t>(fault)];
}

std::span<const Fault> faults_at(CallSite site) {
  static constexpr std::array any = {Fault::kError, Fault::kDeviceLost};
  static constexpr std::array allocating = {Fault::kError, Fault::kDeviceLost, Fault::kWrongSize};
  static constexpr std::array waiting = {Fault::kError,     Fault::kDeviceLost, Fault::kTimeout,
                                         Fault::kRunFailed, Fault::kGarbage,    Fault::kZeros};
  if (site == CallSite::kAllocate) return allocating;
  if (site == CallSite::kWait) return waiting;
  return any;
}

OpenRuntime with_faults(OpenRuntime open, std::shared_ptr<FaultPlan> plan) {
  return [open = std::move(open), plan = std::move(plan)]() -> std::unique_ptr<NpuRuntime> {
    if (plan->site == CallSite::kOpen) {
      const std::size_t call = plan->calls.fetch_add(1);
      if (call >= plan->after && call < plan->after + plan->times) {
        plan->injected.fetch_add(1);
        throw Error(plan->fault == Fault::kDeviceLost ? ErrorCode::kIo : ErrorCode::kNotFound,
                    fmt::format("injected: {} in open", to_string(plan->fault)));
      }
    }
    return std::make_unique<FaultyRuntime>(open(), plan);
  };
}

}  // namespace amanuensis::device::npu
