#include "device/npu/executor.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <utility>

#include "base/error.h"
#include "device/npu/fifo_lock.h"
#include "device/npu/retry.h"
#include "device/npu/self_test.h"

namespace amanuensis::device::npu {
namespace {

constexpr std::size_t kEventsKept = 32;
constexpr std::byte kPoison{0xA5};

// What a failed step means: for the kernel alone, for the whole device, or for this one request.
enum class Blame { kRequest, kKernel, kDevice };

struct Failure {
  Blame blame = Blame::kKernel;
  std::string reason;
};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// A kernel for one shape, with its buffers: two sets, so that one is filled and read while the other is at work.
struct Loaded {
  std::unique_ptr<NpuKernel> kernel;
  std::array<std::vector<std::unique_ptr<NpuBuffer>>, 2> sets;
  std::map<std::pair<std::size_t, std::uint64_t>, std::unique_ptr<NpuBuffer>> resident;
};

struct Entry {
  FifoLock queue;  // guards `loaded`
  std::vector<std::unique_ptr<Loaded>> loaded;
  bool tested = false;
  Retry retry;
  mutable std::mutex mutex;  // guards `status`
  KernelStatus status;
};

bool is_input(const KernelSpec& spec, std::size_t argument) {
  return spec.arguments[argument].direction == Direction::kIn;
}

bool is_left_out(const KernelSpec& spec, const LaunchShape& shape, std::size_t argument) {
  return spec.arguments[argument].optional && !shape.add_residual;
}

}  // namespace

std::string_view to_string(KernelState state) {
  switch (state) {
    case KernelState::kNotLoaded:
      return "not loaded";
    case KernelState::kReady:
      return "ready";
    case KernelState::kSetAside:
      return "set aside";
  }
  return "unknown";
}

struct Executor::State {
  explicit State(ExecutorOptions given) : options(std::move(given)) {
    for (const KernelSpec& spec : options.catalog.kernels()) entries[spec.name].status.name = spec.name;
  }

  ExecutorOptions options;
  // Shared by jobs, exclusive while the device is opened or given up.
  std::shared_mutex device_mutex;
  std::unique_ptr<NpuRuntime> runtime;
  Retry device_retry;
  std::atomic<bool> lost{true};
  std::map<std::string, Entry> entries;  // after the runtime: kernels go first

  mutable std::mutex status_mutex;  // guards what follows
  std::string device_reason;
  std::optional<DeviceInfo> info;
  std::uint64_t opened = 0;
  std::deque<std::string> events;

  void event(EventLevel level, const std::string& text) {
    {
      const std::scoped_lock lock(status_mutex);
      events.push_back(text);
      if (events.size() > kEventsKept) events.pop_front();
    }
    if (options.on_event) options.on_event(level, text);
  }

  void set_device_reason(const std::string& reason) {
    const std::scoped_lock lock(status_mutex);
    device_reason = reason;
  }
  std::string reason_of_device() const {
    const std::scoped_lock lock(status_mutex);
    return device_reason;
  }

  // Kernels and buffers of a device that is gone are of no use, and must not outlive it.
  void drop_device() {
    for (auto& [name, entry] : entries) {
      entry.loaded.clear();
      entry.tested = false;
      const std::scoped_lock lock(entry.mutex);
      if (entry.status.state == KernelState::kReady) entry.status.state = KernelState::kNotLoaded;
    }
    if (runtime == nullptr) return;
    try {
      runtime->close();
    } catch (const Error& error) {
      event(EventLevel::kWarning, fmt::format("NPU: the device did not close properly: {}", error.what()));
    }
    runtime.reset();
  }

  void open_device() {
    try {
      runtime = options.open();
      DeviceInfo facts = runtime->info();
      event(EventLevel::kInfo, fmt::format("NPU: opened {} ({})", facts.name, facts.driver));
      const std::scoped_lock lock(status_mutex);
      info = std::move(facts);
      ++opened;
      device_reason.clear();
    } catch (const Error& error) {
      fail_device(error.what());
      return;
    }
    lost = false;  // waiting times begin anew once a job has succeeded, not before
  }

  void fail_device(const std::string& reason) {
    lost = true;
    runtime.reset();
    device_retry.failed(options.now(), options);
    set_device_reason(reason);
    event(EventLevel::kWarning, fmt::format("NPU: {}; next attempt in {} ms", reason, device_retry.wait().count()));
  }

  // Whether there is a device, opening it again when it is time to.
  bool ensure_device() {
    if (!lost) return true;
    const std::unique_lock lock(device_mutex);
    if (!lost) return true;
    if (!device_retry.due(options.now())) return false;
    drop_device();
    open_device();
    return !lost;
  }

  // Called with the device shared: the next caller finds it lost and opens it again, when it is time to.
  void lose_device(const std::string& reason) {
    if (lost.exchange(true)) return;
    {
      const std::scoped_lock lock(status_mutex);
      device_reason = fmt::format("the device was lost: {}", reason);
      device_retry.failed(options.now(), options);
    }
    event(EventLevel::kWarning,
          fmt::format("NPU: the device was lost: {}; next attempt in {} ms", reason, device_retry.wait().count()));
  }

  void fail_kernel(Entry& entry, const std::string& reason) {
    entry.loaded.clear();
    entry.tested = false;
    entry.retry.failed(options.now(), options);
    {
      const std::scoped_lock lock(entry.mutex);
      entry.status.state = KernelState::kSetAside;
      entry.status.reason = reason;
      ++entry.status.counters.failures;
    }
    event(EventLevel::kWarning, fmt::format("NPU kernel {}: {}; the CPU takes over, next attempt in {} ms",
                                            entry.status.name, reason, entry.retry.wait().count()));
  }

  void blame(Entry& entry, const Failure& failure) {
    if (failure.blame == Blame::kKernel) fail_kernel(entry, failure.reason);
    if (failure.blame == Blame::kDevice) {
      {
        const std::scoped_lock lock(entry.mutex);
        ++entry.status.counters.failures;
      }
      lose_device(fmt::format("{} ({})", failure.reason, entry.status.name));
    }
  }

  // Runs a step on the device; what it throws becomes a Failure.
  template <typename Step>
  static auto on_device(const Step& step) {
    try {
      return step();
    } catch (const Error& error) {
      throw Failure{error.code() == ErrorCode::kIo                ? Blame::kDevice
                    : error.code() == ErrorCode::kInvalidArgument ? Blame::kRequest
                                                                  : Blame::kKernel,
                    error.what()};
    }
  }

  Loaded& load(Entry& entry, const KernelSpec& spec, const LaunchShape& shape) {
    for (const auto& each : entry.loaded) {
      if (each->kernel->shape() == shape) return *each;
    }
    auto loaded = std::make_unique<Loaded>();
    try {
      loaded->kernel = runtime->load_kernel({.spec = spec, .shape = shape, .columns = options.columns});
    } catch (const Error& error) {
      const bool refused = error.code() == ErrorCode::kInvalidArgument;
      throw Failure{refused ? Blame::kRequest : Blame::kKernel, fmt::format("cannot be loaded: {}", error.what())};
    }
    entry.loaded.push_back(std::move(loaded));
    return *entry.loaded.back();
  }

  NpuBuffer& buffer(Loaded& loaded, std::size_t set, std::size_t argument) {
    auto& buffers = loaded.sets[set];
    if (buffers.empty()) buffers.resize(loaded.kernel->spec().arguments.size());
    if (buffers[argument] == nullptr) {
      buffers[argument] = on_device([&] { return runtime->allocate(*loaded.kernel, argument); });
      check_size(loaded, *buffers[argument], argument);
    }
    return *buffers[argument];
  }

  static void check_size(const Loaded& loaded, NpuBuffer& buffer, std::size_t argument) {
    const ArgumentSpec& spec = loaded.kernel->spec().arguments[argument];
    const std::size_t needed = spec.size_bytes(loaded.kernel->shape());
    if (buffer.bytes().size() == needed) return;
    throw Failure{Blame::kKernel, fmt::format("the buffer for '{}' has {} bytes instead of {}", spec.name,
                                              buffer.bytes().size(), needed)};
  }

  NpuBuffer& resident_buffer(Loaded& loaded, const ResidentInput& input) {
    auto& held = loaded.resident[{input.argument, input.key}];
    if (held != nullptr) return *held;
    auto fresh = on_device([&] { return runtime->allocate(*loaded.kernel, input.argument); });
    check_size(loaded, *fresh, input.argument);
    input.fill(fresh->bytes());
    on_device([&] { runtime->sync_to_device(*fresh); });
    held = std::move(fresh);
    return *held;
  }

  std::vector<NpuBuffer*> buffers_of(Loaded& loaded, const Job& job, std::size_t set) {
    std::vector<NpuBuffer*> buffers;
    for (std::size_t a = 0; a < job.spec.arguments.size(); ++a) {
      const auto resident = std::find_if(job.resident.begin(), job.resident.end(),
                                         [&](const ResidentInput& each) { return each.argument == a; });
      if (resident != job.resident.end()) {
        buffers.push_back(&resident_buffer(loaded, *resident));
      } else {
        buffers.push_back(is_left_out(job.spec, job.shape, a) ? nullptr : &buffer(loaded, set, a));
      }
    }
    return buffers;
  }

  bool is_resident(const Job& job, std::size_t argument) const {
    return std::any_of(job.resident.begin(), job.resident.end(),
                       [&](const ResidentInput& each) { return each.argument == argument; });
  }

  static bool is_unread(const Job& job, std::size_t argument) {
    return std::find(job.unread.begin(), job.unread.end(), argument) != job.unread.end();
  }

  static JobArguments views(const std::vector<NpuBuffer*>& buffers) {
    std::vector<std::span<std::byte>> bytes;
    bytes.reserve(buffers.size());
    for (NpuBuffer* each : buffers) bytes.push_back(each != nullptr ? each->bytes() : std::span<std::byte>());
    return JobArguments(std::move(bytes));
  }

  void bring(const Job& job, const std::vector<NpuBuffer*>& buffers, bool poison_outputs) {
    for (std::size_t a = 0; a < buffers.size(); ++a) {
      if (buffers[a] == nullptr || is_resident(job, a)) continue;
      const bool input = is_input(job.spec, a);
      if (!input && (!poison_outputs || is_unread(job, a))) continue;
      if (!input) std::fill(buffers[a]->bytes().begin(), buffers[a]->bytes().end(), kPoison);
      on_device([&] { runtime->sync_to_device(*buffers[a]); });
    }
  }

  void fetch(const Job& job, const std::vector<NpuBuffer*>& buffers) {
    for (std::size_t a = 0; a < buffers.size(); ++a) {
      if (buffers[a] == nullptr || is_input(job.spec, a) || is_unread(job, a)) continue;
      on_device([&] { runtime->sync_from_device(*buffers[a]); });
    }
  }

  void finish(const Entry& entry, NpuRun& run, KernelCounters& counters) {
    const RunResult result = on_device([&] { return runtime->wait(run, options.timeout); });
    counters.predicted_s += result.predicted_s;
    switch (result.status) {
      case RunStatus::kCompleted:
        return;
      case RunStatus::kDeviceLost:
        throw Failure{Blame::kDevice, result.reason};
      case RunStatus::kTimedOut:
        throw Failure{Blame::kKernel, fmt::format("timed out: {}", result.reason)};
      case RunStatus::kFailed:
        throw Failure{Blame::kKernel, fmt::format("failed: {}", result.reason)};
    }
    throw Failure{Blame::kKernel, fmt::format("{} ended in an unknown way", entry.status.name)};
  }

  // Batches one after the other: while one runs, the next is filled and the one before is read.
  void run_batches(Entry& entry, const Job& job, bool test, std::size_t& done) {
    Loaded& loaded = load(entry, job.spec, job.shape);
    KernelCounters counters;
    const auto count = [&] {
      const std::scoped_lock lock(entry.mutex);
      KernelCounters& total = entry.status.counters;
      total.launches += counters.launches;
      total.tests += counters.tests;
      total.rows += counters.rows;
      total.kernel_s += counters.kernel_s;
      total.transfer_s += counters.transfer_s;
      total.predicted_s += counters.predicted_s;
      counters = {};
    };
    try {
      std::array<std::vector<NpuBuffer*>, 2> sets;
      const auto prepare_batch = [&](std::size_t batch) {
        const auto start = Clock::now();
        auto& set = sets[batch % 2];
        if (set.empty()) set = buffers_of(loaded, job, batch % 2);
        job.fill(batch, views(set));
        bring(job, set, test || job.poison);
        counters.transfer_s += seconds_since(start);
      };
      if (job.batches > 0) prepare_batch(0);
      for (std::size_t batch = 0; batch < job.batches; ++batch) {
        const auto start = Clock::now();
        const auto& set = sets[batch % 2];
        const auto run = on_device([&] { return runtime->start(*loaded.kernel, set); });
        ++counters.launches;
        if (test) ++counters.tests;
        counters.rows += job.shape.rows;
        if (batch > 0) read_batch(job, batch - 1, sets, counters, done);
        if (batch + 1 < job.batches) prepare_batch(batch + 1);
        finish(entry, *run, counters);
        counters.kernel_s += seconds_since(start);
      }
      if (job.batches > 0) read_batch(job, job.batches - 1, sets, counters, done);
      count();
    } catch (...) {
      count();
      throw;
    }
  }

  void read_batch(const Job& job, std::size_t batch, const std::array<std::vector<NpuBuffer*>, 2>& sets,
                  KernelCounters& counters, std::size_t& done) {
    const auto start = Clock::now();
    fetch(job, sets[batch % 2]);
    const std::string problem = job.drain(batch, views(sets[batch % 2]));
    counters.transfer_s += seconds_since(start);
    if (!problem.empty()) throw Failure{Blame::kKernel, fmt::format("gave a wrong result: {}", problem)};
    ++done;
  }

  void self_test(Entry& entry, const KernelSpec& spec) {
    const SelfTest test = make_self_test(spec);
    std::size_t done = 0;
    const Job job = {.spec = spec,
                     .shape = test.shape,
                     .fill =
                         [&](std::size_t, const JobArguments& arguments) {
                           for (std::size_t a = 0; a < test.inputs.size(); ++a) {
                             std::copy(test.inputs[a].begin(), test.inputs[a].end(), arguments.bytes(a).begin());
                           }
                         },
                     .drain =
                         [&](std::size_t, const JobArguments& arguments) {
                           std::vector<std::span<const std::byte>> bytes;
                           for (std::size_t a = 0; a < spec.arguments.size(); ++a) bytes.push_back(arguments.bytes(a));
                           const std::string problem = test.check(bytes);
                           return problem.empty() ? problem : "self-test: " + problem;
                         }};
    try {
      run_batches(entry, job, /*test=*/true, done);
    } catch (Failure& failure) {
      // The test's shape is ours: when that is refused, it is the kernel that is not what the catalog says.
      if (failure.blame == Blame::kRequest) failure.blame = Blame::kKernel;
      throw;
    }
    std::erase_if(entry.loaded, [&](const auto& each) { return each->kernel->shape() != test.shape; });
    entry.tested = true;
    bool recovered = false;
    {
      const std::scoped_lock lock(entry.mutex);
      recovered = entry.status.state == KernelState::kSetAside;
      entry.status.state = KernelState::kReady;
      ++entry.status.counters.loads;
    }
    if (recovered) event(EventLevel::kInfo, fmt::format("NPU kernel {}: passes its self-test again", spec.name));
  }

  // Does `work` with the kernel tested and its queue held; empty, or why not.
  template <typename Work>
  std::string with_kernel(const KernelSpec& spec, const Work& work) {
    if (!ensure_device()) return reason_of_device();
    const std::shared_lock device(device_mutex);
    if (lost) return reason_of_device();
    const auto found = entries.find(spec.name);
    if (found == entries.end()) return fmt::format("the catalog has no kernel {}", spec.name);
    Entry& entry = found->second;
    const std::scoped_lock queue(entry.queue);
    if (lost) return reason_of_device();
    if (!entry.tested && !entry.retry.due(options.now())) {
      const std::scoped_lock lock(entry.mutex);
      return entry.status.reason;
    }
    try {
      if (!entry.tested) self_test(entry, spec);
      work(entry);
      entry.retry.succeeded();
      const std::scoped_lock lock(status_mutex);
      device_retry.succeeded();
      return {};
    } catch (const Failure& failure) {
      blame(entry, failure);
      return failure.reason;
    }
  }
};

Executor::Executor(ExecutorOptions options) : state_(std::make_unique<State>(std::move(options))) {
  state_->ensure_device();
}

Executor::~Executor() { state_->drop_device(); }

const Catalog& Executor::catalog() const { return state_->options.catalog; }

JobResult Executor::run(const Job& job) {
  JobResult result;
  result.reason = state_->with_kernel(
      job.spec, [&](Entry& entry) { state_->run_batches(entry, job, /*test=*/false, result.done); });
  return result;
}

std::string Executor::prepare(const KernelSpec& spec) {
  return state_->with_kernel(spec, [](Entry&) {});
}

void Executor::unload(const KernelSpec& spec) {
  const std::shared_lock device(state_->device_mutex);
  Entry& entry = state_->entries.at(spec.name);
  const std::scoped_lock queue(entry.queue);
  entry.loaded.clear();
  entry.tested = false;
  const std::scoped_lock lock(entry.mutex);
  if (entry.status.state == KernelState::kReady) entry.status.state = KernelState::kNotLoaded;
}

bool Executor::available() const { return !state_->lost; }

ExecutorStatus Executor::status() const {
  ExecutorStatus status;
  status.available = !state_->lost;
  {
    const std::scoped_lock lock(state_->status_mutex);
    status.reason = state_->device_reason;
    status.device = state_->info;
    status.opened = state_->opened;
    status.events.assign(state_->events.begin(), state_->events.end());
  }
  for (const auto& [name, entry] : state_->entries) {
    const std::scoped_lock lock(entry.mutex);
    status.kernels.push_back(entry.status);
  }
  return status;
}

}  // namespace amanuensis::device::npu
