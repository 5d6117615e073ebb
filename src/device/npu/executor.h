// The unified NPU runtime: opens a device, loads each kernel when it is first wanted, tests it with known data before
// anything relies on it, runs jobs on it and counts what really happened. A kernel that fails is set aside, alone, and
// tried again later; a device that is lost is opened again; waiting times double from one attempt to the next. The
// caller learns how many batches were done and why not more, and does the rest itself (operations.h).
//
// Any number of threads may call: each kernel's hardware context has a queue, first come, first served.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "device/npu/catalog.h"
#include "device/npu/runtime.h"

namespace amanuensis::device::npu {

using Clock = std::chrono::steady_clock;

enum class EventLevel { kInfo, kWarning };

struct ExecutorOptions {
  OpenRuntime open;
  const Catalog& catalog;
  std::size_t columns = kMaxColumns;
  std::chrono::milliseconds timeout{10000};     // of one launch
  std::chrono::milliseconds first_retry{1000};  // after a failure; doubled each time
  std::chrono::milliseconds longest_retry{60000};
  std::function<Clock::time_point()> now = [] { return Clock::now(); };
  // Told of every failure and recovery, for the log. Called with locks held: must not call back.
  std::function<void(EventLevel level, const std::string& text)> on_event = {};
};

// A launch's arguments, in the host's view. Index as in the catalog.
class JobArguments {
 public:
  explicit JobArguments(std::vector<std::span<std::byte>> bytes) : bytes_(std::move(bytes)) {}
  std::span<std::byte> bytes(std::size_t argument) const { return bytes_[argument]; }
  template <typename T>
  std::span<T> get(std::size_t argument) const {
    return {reinterpret_cast<T*>(bytes_[argument].data()), bytes_[argument].size() / sizeof(T)};
  }

 private:
  std::vector<std::span<std::byte>> bytes_;
};

// An input that stays on the device from job to job (weights): brought there once, by `fill`.
struct ResidentInput {
  std::size_t argument = 0;
  std::uint64_t key = 0;  // of the data; different data must have another
  std::function<void(std::span<std::byte>)> fill;
};

struct Job {
  const KernelSpec& spec;
  LaunchShape shape;
  std::size_t batches = 1;
  // Writes a batch's inputs; called while the batch before it runs.
  std::function<void(std::size_t batch, const JobArguments& arguments)> fill;
  // Reads a batch's outputs; called while the batch behind it runs. What it returns, unless empty, is what is wrong
  // with them: the kernel is then set aside.
  std::function<std::string(std::size_t batch, const JobArguments& arguments)> drain;
  std::span<const ResidentInput> resident = {};
  // Outputs that `drain` does not look at: they are not brought back.
  std::span<const std::size_t> unread = {};
  // Outputs are overwritten before the launch, so that what was left in them does not pass for a result.
  bool poison = false;
};

struct JobResult {
  std::size_t done = 0;  // batches, from the first on, whose outputs were good
  std::string reason;    // empty: all
};

struct KernelCounters {
  std::uint64_t loads = 0;     // times it was loaded and passed its self-test
  std::uint64_t launches = 0;  // batches, self-tests among them
  std::uint64_t tests = 0;     // of the launches, those of self-tests
  std::uint64_t rows = 0;      // of all launches; frames, for log-mel
  std::uint64_t failures = 0;
  double kernel_s = 0;     // from start to end of the launches; simulated ones take this processor's time
  double transfer_s = 0;   // filling, syncing, reading
  double predicted_s = 0;  // what the cost model says of the same launches
};

enum class KernelState { kNotLoaded, kReady, kSetAside };
std::string_view to_string(KernelState state);

struct KernelStatus {
  std::string name;
  KernelState state = KernelState::kNotLoaded;
  std::string reason;  // the last failure, also when it works again
  KernelCounters counters;
};

struct ExecutorStatus {
  bool available = false;
  std::string reason;  // why not
  std::optional<DeviceInfo> device;
  std::uint64_t opened = 0;  // how many times
  std::vector<KernelStatus> kernels;
  std::vector<std::string> events;  // the last ones, oldest first
};

class Executor {
 public:
  // Opens the device; when that fails, jobs are refused until a later attempt succeeds.
  explicit Executor(ExecutorOptions options);
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  const Catalog& catalog() const;
  // Never throws for what a device does; what `fill` and `drain` throw passes through.
  JobResult run(const Job& job);
  // Loads and self-tests a kernel; empty, or why it cannot be used.
  std::string prepare(const KernelSpec& spec);
  // Gives a kernel's hardware context back.
  void unload(const KernelSpec& spec);
  bool available() const;
  ExecutorStatus status() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace amanuensis::device::npu
