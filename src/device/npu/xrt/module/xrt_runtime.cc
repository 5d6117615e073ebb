// The NPU through XRT (2.16 or newer; https://xilinx.github.io/XRT): the module's only file, and the only one of the
// project that includes XRT. Kernels are mlir-aie's: one xclbin per array program in a hardware context, a kernel
// called MLIR_AIE, called with opcode 3, the instruction stream and its number of words, then the data buffers.
#include <xrt/experimental/xrt_xclbin.h>
#include <xrt/xrt_bo.h>
#include <xrt/xrt_device.h>
#include <xrt/xrt_hw_context.h>
#include <xrt/xrt_kernel.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "device/npu/xrt/xrt_module.h"

namespace amanuensis::device::npu {
namespace {

constexpr unsigned kOpcode = 3;          // run an instruction stream
constexpr int kInstructionArgument = 1;  // of the kernel MLIR_AIE
constexpr int kFirstDataArgument = 3;
// Short arguments that share a DMA channel with longer ones are sent as elements of the longer ones' size: what lies
// behind them is read as well, and not looked at.
constexpr std::size_t kReadBeyondBytes = 4096;
constexpr const char* kKernelPrefix = "MLIR_AIE";

// XRT's exceptions as ours. What the driver refuses means, as far as a caller can tell, that the device is in trouble.
template <typename Call>
auto translated(const std::string& doing, const Call& call) {
  try {
    return call();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    throw Error(ErrorCode::kIo, "XRT, " + doing + ": " + error.what());
  }
}

// An array program in its hardware context; kernels of all its shapes share it.
struct Program {
  Program(const xrt::device& device, const xrt::xclbin& xclbin, const std::string& name)
      : context(device, xclbin.get_uuid()), kernel(context, name) {}

  xrt::hw_context context;
  xrt::kernel kernel;
};

class XrtBuffer final : public NpuBuffer {
 public:
  XrtBuffer(const xrt::device& device, std::size_t size, int group)
      : bo_(device, size + kReadBeyondBytes, XRT_BO_FLAGS_HOST_ONLY, static_cast<xrt::memory_group>(group)),
        bytes_(bo_.map<std::byte*>(), size) {}
  std::span<std::byte> bytes() override { return bytes_; }
  xrt::bo& bo() { return bo_; }

 private:
  xrt::bo bo_;
  std::span<std::byte> bytes_;
};

class XrtKernel final : public NpuKernel {
 public:
  XrtKernel(const KernelRequest& request, std::shared_ptr<Program> program, const xrt::bo& instructions,
            std::size_t words)
      : spec_(request.spec),
        shape_(request.shape),
        program_(std::move(program)),
        instructions_(instructions),
        words_(words) {}
  const KernelSpec& spec() const override { return spec_; }
  const LaunchShape& shape() const override { return shape_; }
  Program& program() const { return *program_; }
  xrt::bo& instructions() { return instructions_; }
  std::size_t words() const { return words_; }

  // The kernel's argument for one of the catalog's: those that are left out are not counted.
  int position(std::size_t argument) const {
    int position = kFirstDataArgument;
    for (std::size_t i = 0; i < argument; ++i) {
      if (!spec_.arguments[i].optional || shape_.add_residual) ++position;
    }
    return position;
  }

 private:
  const KernelSpec& spec_;
  LaunchShape shape_;
  std::shared_ptr<Program> program_;
  xrt::bo instructions_;
  std::size_t words_;
};

class XrtRun final : public NpuRun {
 public:
  explicit XrtRun(const xrt::run& run) : run_(run) {}
  xrt::run& run() { return run_; }

 private:
  xrt::run run_;
};

class XrtRuntime final : public NpuRuntime {
 public:
  explicit XrtRuntime(const XrtOptions& options)
      : options_(options),
        device_(translated("opening the device", [&] { return xrt::device(options.device_index); })) {}

  DeviceInfo info() override {
    return translated("asking for the device's name", [&] {
      DeviceInfo info;
      info.name = device_.get_info<xrt::info::device::name>();
      info.driver = "XRT";
      return info;
    });
  }

  std::unique_ptr<NpuKernel> load_kernel(const KernelRequest& request) override {
    request.spec.check_shape(request.shape);
    const KernelBinaries binaries = options_.find(request.spec, request.shape);
    return translated("loading " + request.spec.name, [&] {
      std::shared_ptr<Program> program = program_for(request.spec, binaries);
      const std::size_t size = binaries.instructions.size() * sizeof(std::uint32_t);
      xrt::bo instructions(device_, size, XCL_BO_FLAGS_CACHEABLE,
                           static_cast<xrt::memory_group>(program->kernel.group_id(kInstructionArgument)));
      std::memcpy(instructions.map<void*>(), binaries.instructions.data(), size);
      instructions.sync(XCL_BO_SYNC_BO_TO_DEVICE);
      return std::make_unique<XrtKernel>(request, std::move(program), instructions, binaries.instructions.size());
    });
  }

  std::unique_ptr<NpuBuffer> allocate(const NpuKernel& kernel, std::size_t argument) override {
    const auto& loaded = static_cast<const XrtKernel&>(kernel);
    return translated("allocating for " + kernel.spec().name, [&] {
      return std::make_unique<XrtBuffer>(device_, kernel.spec().arguments.at(argument).size_bytes(kernel.shape()),
                                         loaded.program().kernel.group_id(loaded.position(argument)));
    });
  }

  void sync_to_device(NpuBuffer& buffer) override {
    translated("bringing a buffer to the device",
               [&] { static_cast<XrtBuffer&>(buffer).bo().sync(XCL_BO_SYNC_BO_TO_DEVICE); });
  }
  void sync_from_device(NpuBuffer& buffer) override {
    translated("bringing a buffer from the device",
               [&] { static_cast<XrtBuffer&>(buffer).bo().sync(XCL_BO_SYNC_BO_FROM_DEVICE); });
  }

  std::unique_ptr<NpuRun> start(NpuKernel& kernel, std::span<NpuBuffer* const> arguments) override {
    auto& loaded = static_cast<XrtKernel&>(kernel);
    check_arguments(kernel, arguments);
    return translated("starting " + kernel.spec().name, [&] {
      xrt::run run(loaded.program().kernel);
      run.set_arg(0, kOpcode);
      run.set_arg(kInstructionArgument, loaded.instructions());
      run.set_arg(2, static_cast<unsigned>(loaded.words()));
      for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (arguments[i] != nullptr) run.set_arg(loaded.position(i), static_cast<XrtBuffer*>(arguments[i])->bo());
      }
      run.start();
      return std::make_unique<XrtRun>(run);
    });
  }

  RunResult wait(NpuRun& run, std::chrono::milliseconds timeout) override {
    return translated("waiting", [&]() -> RunResult {
      xrt::run& running = static_cast<XrtRun&>(run).run();
      const ert_cmd_state state = running.wait(timeout);
      if (state == ERT_CMD_STATE_COMPLETED) return {};
      if (state == ERT_CMD_STATE_TIMEOUT || state == ERT_CMD_STATE_RUNNING || state == ERT_CMD_STATE_NEW ||
          state == ERT_CMD_STATE_QUEUED || state == ERT_CMD_STATE_SUBMITTED) {
        running.abort();
        return {.status = RunStatus::kTimedOut,
                .reason = "not finished after " + std::to_string(timeout.count()) + " ms"};
      }
      return {.status = RunStatus::kFailed,
              .reason = "the command ended in XRT's state " + std::to_string(static_cast<int>(state))};
    });
  }

  void close() override {
    const std::scoped_lock lock(mutex_);
    programs_.clear();
  }

 private:
  static void check_arguments(const NpuKernel& kernel, std::span<NpuBuffer* const> arguments) {
    const KernelSpec& spec = kernel.spec();
    if (arguments.size() != spec.arguments.size()) {
      throw Error(ErrorCode::kInvalidArgument, "NPU kernel " + spec.name + ": a wrong number of buffers was given");
    }
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      const std::size_t needed = spec.arguments[i].size_bytes(kernel.shape());
      const bool missing = arguments[i] == nullptr;
      if (missing ? !spec.arguments[i].optional : arguments[i]->bytes().size() != needed) {
        throw Error(ErrorCode::kInvalidArgument, "NPU kernel " + spec.name + ": the buffer for '" +
                                                     spec.arguments[i].name + "' is not of " + std::to_string(needed) +
                                                     " bytes");
      }
    }
  }

  std::shared_ptr<Program> program_for(const KernelSpec& spec, const KernelBinaries& binaries) {
    const std::scoped_lock lock(mutex_);
    if (auto found = programs_[spec.name].lock()) return found;
    const xrt::xclbin xclbin(binaries.xclbin.string());
    const auto kernels = xclbin.get_kernels();
    const auto named = std::find_if(kernels.begin(), kernels.end(), [](const xrt::xclbin::kernel& kernel) {
      return kernel.get_name().rfind(kKernelPrefix, 0) == 0;
    });
    if (named == kernels.end()) {
      throw Error(ErrorCode::kBadData, binaries.xclbin.string() + " holds no kernel called " + kKernelPrefix);
    }
    device_.register_xclbin(xclbin);
    auto program = std::make_shared<Program>(device_, xclbin, named->get_name());
    programs_[spec.name] = program;
    return program;
  }

  XrtOptions options_;
  xrt::device device_;
  std::mutex mutex_;  // guards what follows
  std::map<std::string, std::weak_ptr<Program>> programs_;
};

}  // namespace
}  // namespace amanuensis::device::npu

extern "C" {

int amanuensis_xrt_version() { return amanuensis::device::npu::kXrtModuleVersion; }

amanuensis::device::npu::NpuRuntime* amanuensis_xrt_open(const amanuensis::device::npu::XrtOptions& options) {
  return std::make_unique<amanuensis::device::npu::XrtRuntime>(options).release();
}

}  // extern "C"
