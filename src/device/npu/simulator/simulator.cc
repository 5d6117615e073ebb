#include "device/npu/simulator/simulator.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/cpu_features.h"
#include "base/error.h"
#include "base/thread_pool.h"
#include "device/npu/block_phases.h"
#include "device/npu/catalog.h"
#include "device/npu/simulator/programs.h"

namespace amanuensis::device::npu {
namespace {

using Bytes = std::vector<std::byte>;

// What a tile's memory and a device's buffers hold before anything was written.
constexpr std::byte kPoison{0xA5};

// A hardware context: one thread that does what is queued, in order.
class Context {
 public:
  Context() : thread_([this](const std::stop_token& stop) { work(stop); }) {}

  void push(std::function<void()> job) {
    const std::scoped_lock lock(mutex_);
    jobs_.push_back(std::move(job));
    arrived_.notify_one();
  }

 private:
  void work(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (arrived_.wait(lock, stop, [this] { return !jobs_.empty(); })) {
      const std::function<void()> job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable_any arrived_;
  std::deque<std::function<void()>> jobs_;
  std::jthread thread_;  // last: uses all of the above
};

class SimulatedBuffer final : public NpuBuffer {
 public:
  explicit SimulatedBuffer(std::size_t size)
      : host_(size, std::byte{0}), device_(std::make_shared<Bytes>(size, kPoison)) {}
  std::span<std::byte> bytes() override { return host_; }
  void to_device() { std::copy(host_.begin(), host_.end(), device_->begin()); }
  void from_device() { std::copy(device_->begin(), device_->end(), host_.begin()); }
  const std::shared_ptr<Bytes>& device() const { return device_; }

 private:
  Bytes host_;
  std::shared_ptr<Bytes> device_;
};

// One thing that the array's tiles do together; the next begins when all have finished it.
struct LoadedPhase {
  std::string what;  // empty: it is the whole kernel
  KernelSpec spec;
  LaunchShape shape;
  std::vector<BlockSlice> slices = {};
  std::vector<std::unique_ptr<TileMemory>> tiles = {};
};

// What a run needs of its kernel; runs that are still going on when the kernel is given up keep it.
struct LoadedTiles {
  const KernelSpec& spec;
  LaunchShape shape;
  std::size_t columns = 1;
  std::vector<LoadedPhase> phases = {};
};

std::vector<LoadedPhase> phases_of(const KernelSpec& spec, const LaunchShape& shape) {
  std::vector<LoadedPhase> phases;
  if (spec.operation == Operation::kEncoderBlock) {
    for (BlockPhase& phase : block_phases(spec, shape)) {
      phases.push_back({.what = std::move(phase.what),
                        .spec = std::move(phase.spec),
                        .shape = phase.shape,
                        .slices = std::move(phase.slices)});
    }
  } else {
    phases.push_back({.what = {}, .spec = spec, .shape = shape});
  }
  return phases;
}

class SimulatedKernel final : public NpuKernel {
 public:
  SimulatedKernel(const KernelRequest& request, std::shared_ptr<Context> context)
      : loaded_(std::make_shared<LoadedTiles>(LoadedTiles{.spec = request.spec, .shape = request.shape})),
        context_(std::move(context)) {
    loaded_->columns = request.spec.single_column ? 1 : request.columns;
    loaded_->phases = phases_of(request.spec, request.shape);
    for (LoadedPhase& phase : loaded_->phases) {
      for (std::size_t i = 0; i < request.spec.tiles * loaded_->columns; ++i) {
        phase.tiles.push_back(std::make_unique<TileMemory>(phase.spec));
      }
    }
  }
  const KernelSpec& spec() const override { return loaded_->spec; }
  const LaunchShape& shape() const override { return loaded_->shape; }
  const std::shared_ptr<LoadedTiles>& loaded() const { return loaded_; }
  Context& context() { return *context_; }

 private:
  std::shared_ptr<LoadedTiles> loaded_;
  std::shared_ptr<Context> context_;
};

struct RunState {
  std::mutex mutex;
  std::condition_variable ended;
  bool done = false;
  RunResult result;
};

class SimulatedRun final : public NpuRun {
 public:
  explicit SimulatedRun(std::shared_ptr<RunState> state) : state_(std::move(state)) {}
  RunState& state() { return *state_; }

 private:
  std::shared_ptr<RunState> state_;
};

// A catalog must not state less memory than the kernel's code has.
void check_constants(const KernelSpec& spec) {
  const TileConstants real = tile_constants();
  std::size_t constants = 0;
  if (spec.operation == Operation::kLogMel) constants = real.log_mel_bytes;
  if (spec.operation == Operation::kSoftmax || spec.operation == Operation::kAttention) constants = real.softmax_bytes;
  if (spec.operation == Operation::kMatmul) constants = real.matmul_bytes;
  const bool block = spec.operation == Operation::kEncoderBlock;
  if (block) constants = real.matmul_bytes + real.softmax_bytes;
  const std::size_t scratch = block || spec.operation == Operation::kAttention ? real.attention_state_bytes : 0;
  if (spec.memory.constant_bytes < constants || spec.memory.scratch_bytes < scratch) {
    throw Error(ErrorCode::kBadData,
                fmt::format("NPU kernel {}: the catalog states {} bytes of constants and {} of scratch, but the kernel "
                            "has {} and {}",
                            spec.name, spec.memory.constant_bytes, spec.memory.scratch_bytes, constants, scratch));
  }
}

class Simulator final : public NpuRuntime {
 public:
  explicit Simulator(const SimulatorOptions& options)
      : kernels_(options.kernels != nullptr ? *options.kernels : best_tile_kernels(detect_cpu_features())),
        costs_(options.costs),
        pool_(options.threads) {}

  ~Simulator() override { close(); }

  DeviceInfo info() override {
    return {.name = "simulated Phoenix NPU (4 columns x 4 tiles)",
            .driver = fmt::format("simulator, {} tile kernels", kernels::to_string(kernels_.isa)),
            .simulated = true};
  }

  std::unique_ptr<NpuKernel> load_kernel(const KernelRequest& request) override {
    request.spec.check_shape(request.shape);
    if (request.columns == 0 || request.columns > kMaxColumns) {
      throw Error(ErrorCode::kInvalidArgument, fmt::format("NPU kernel {}: {} columns; Phoenix has 1 to {}",
                                                           request.spec.name, request.columns, kMaxColumns));
    }
    check_tile_memory(request.spec);
    check_constants(request.spec);
    return std::make_unique<SimulatedKernel>(request, context_for(request.spec.name));
  }

  std::unique_ptr<NpuBuffer> allocate(const NpuKernel& kernel, std::size_t argument) override {
    check_open();
    return std::make_unique<SimulatedBuffer>(kernel.spec().arguments.at(argument).size_bytes(kernel.shape()));
  }

  void sync_to_device(NpuBuffer& buffer) override { static_cast<SimulatedBuffer&>(buffer).to_device(); }
  void sync_from_device(NpuBuffer& buffer) override { static_cast<SimulatedBuffer&>(buffer).from_device(); }

  std::unique_ptr<NpuRun> start(NpuKernel& kernel, std::span<NpuBuffer* const> arguments) override {
    check_open();
    auto& simulated = static_cast<SimulatedKernel&>(kernel);
    std::vector<std::shared_ptr<Bytes>> memory = check_arguments(kernel, arguments);
    auto state = std::make_shared<RunState>();
    simulated.context().push([this, kernel_tiles = simulated.loaded(), memory = std::move(memory), state] {
      RunResult result = execute(*kernel_tiles, memory);
      const std::scoped_lock lock(state->mutex);
      state->result = std::move(result);
      state->done = true;
      state->ended.notify_all();
    });
    return std::make_unique<SimulatedRun>(state);
  }

  RunResult wait(NpuRun& run, std::chrono::milliseconds timeout) override {
    RunState& state = static_cast<SimulatedRun&>(run).state();
    std::unique_lock lock(state.mutex);
    if (!state.ended.wait_for(lock, timeout, [&] { return state.done; })) {
      return {.status = RunStatus::kTimedOut, .reason = fmt::format("not finished after {} ms", timeout.count())};
    }
    return state.result;
  }

  void close() override {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    contexts_.clear();
  }

 private:
  void check_open() {
    const std::scoped_lock lock(mutex_);
    if (closed_) throw Error(ErrorCode::kIo, "the simulated NPU is closed");
  }

  std::shared_ptr<Context> context_for(const std::string& name) {
    const std::scoped_lock lock(mutex_);
    if (closed_) throw Error(ErrorCode::kIo, "the simulated NPU is closed");
    if (auto found = contexts_[name].lock()) return found;
    std::erase_if(contexts_, [](const auto& entry) { return entry.second.expired(); });
    if (contexts_.size() >= kHardwareContexts) {
      throw Error(ErrorCode::kResourceExhausted,
                  fmt::format("NPU kernel {}: all {} hardware contexts are in use; unload a kernel first", name,
                              kHardwareContexts));
    }
    auto context = std::make_shared<Context>();
    contexts_[name] = context;
    return context;
  }

  static std::vector<std::shared_ptr<Bytes>> check_arguments(const NpuKernel& kernel,
                                                             std::span<NpuBuffer* const> arguments) {
    const KernelSpec& spec = kernel.spec();
    if (arguments.size() != spec.arguments.size()) {
      throw Error(ErrorCode::kInvalidArgument, fmt::format("NPU kernel {}: {} buffers were given, it takes {}",
                                                           spec.name, arguments.size(), spec.arguments.size()));
    }
    std::vector<std::shared_ptr<Bytes>> memory;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      const ArgumentSpec& argument = spec.arguments[i];
      if (arguments[i] == nullptr) {
        if (!argument.optional) {
          throw Error(ErrorCode::kInvalidArgument,
                      fmt::format("NPU kernel {}: no buffer for '{}'", spec.name, argument.name));
        }
        memory.push_back(std::make_shared<Bytes>());
        continue;
      }
      const std::size_t size = arguments[i]->bytes().size();
      if (size != argument.size_bytes(kernel.shape())) {
        throw Error(ErrorCode::kInvalidArgument,
                    fmt::format("NPU kernel {}: the buffer for '{}' has {} bytes, but {} are needed", spec.name,
                                argument.name, size, argument.size_bytes(kernel.shape())));
      }
      memory.push_back(static_cast<SimulatedBuffer*>(arguments[i])->device());
    }
    return memory;
  }

  RunResult execute(LoadedTiles& kernel, const std::vector<std::shared_ptr<Bytes>>& memory) {
    const KernelSpec& spec = kernel.spec;
    std::vector<Bytes> written(memory.size());
    std::vector<ProgramArgument> arguments;
    for (std::size_t i = 0; i < memory.size(); ++i) {
      if (spec.arguments[i].direction == Direction::kOut) written[i].assign(memory[i]->size(), std::byte{0});
      arguments.push_back({*memory[i], written[i]});
    }
    RunResult result;
    result.predicted_s = predict_launch(spec, kernel.shape, kernel.columns, costs_).total_s();
    for (LoadedPhase& phase : kernel.phases) {
      result.reason = run_phase(phase, arguments);
      if (!result.reason.empty()) break;
    }
    for (std::size_t i = 0; i < written.size() && result.reason.empty(); ++i) {
      const auto unwritten = std::count(written[i].begin(), written[i].end(), std::byte{0});
      if (unwritten > 0) {
        result.reason = fmt::format("{} of {} bytes of the output '{}' were never written", unwritten,
                                    written[i].size(), spec.arguments[i].name);
      }
    }
    if (!result.reason.empty()) result.status = RunStatus::kFailed;
    return result;
  }

  // A phase's view of the launch's arguments: pieces of them, as long as its own arguments are.
  static std::vector<ProgramArgument> pieces_of(const LoadedPhase& phase, std::span<const ProgramArgument> arguments) {
    if (phase.slices.empty()) return {arguments.begin(), arguments.end()};
    std::vector<ProgramArgument> pieces;
    for (std::size_t i = 0; i < phase.slices.size(); ++i) {
      const BlockSlice& slice = phase.slices[i];
      ProgramArgument& piece = pieces.emplace_back();
      if (slice.absent) continue;
      const ProgramArgument& whole = arguments[static_cast<std::size_t>(slice.of)];
      const std::size_t size = phase.spec.arguments[i].size_bytes(phase.shape);
      piece.bytes = whole.bytes.subspan(slice.at, size);
      if (phase.spec.arguments[i].direction == Direction::kOut) piece.written = whole.written.subspan(slice.at, size);
    }
    return pieces;
  }

  std::string run_phase(LoadedPhase& phase, std::span<const ProgramArgument> launch) {
    const std::vector<ProgramArgument> arguments = pieces_of(phase, launch);
    std::vector<std::string> problems(phase.tiles.size());
    {
      // The pool belongs to one launch at a time; on the hardware contexts take turns on the array as well.
      const std::scoped_lock lock(pool_mutex_);
      pool_.parallel_for(phase.tiles.size(), [&](std::size_t tile, std::size_t) {
        problems[tile] = run_tile({.kernels = kernels_,
                                   .spec = phase.spec,
                                   .shape = phase.shape,
                                   .arguments = arguments,
                                   .tile = tile,
                                   .tiles = phase.tiles.size(),
                                   .memory = *phase.tiles[tile]});
      });
    }
    for (std::size_t tile = 0; tile < problems.size(); ++tile) {
      if (problems[tile].empty()) continue;
      return fmt::format("{}{}tile {} {}", phase.what, phase.what.empty() ? "" : ": ", tile, problems[tile]);
    }
    return {};
  }

  const TileKernels kernels_;
  const CostConstants costs_;
  std::mutex pool_mutex_;
  ThreadPool pool_;
  std::mutex mutex_;  // guards what follows
  bool closed_ = false;
  std::map<std::string, std::weak_ptr<Context>> contexts_;
};

}  // namespace

std::unique_ptr<NpuRuntime> make_simulator(const SimulatorOptions& options) {
  return std::make_unique<Simulator>(options);
}

}  // namespace amanuensis::device::npu
