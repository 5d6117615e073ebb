#include <dlfcn.h>
#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

#include "base/error.h"
#include "device/npu/xrt/xrt_module.h"

namespace amanuensis::device::npu {
namespace {

class Module {
 public:
  explicit Module(const std::filesystem::path& path) : handle_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ != nullptr) return;
    const char* reason = dlerror();
    throw Error(ErrorCode::kUnsupported, fmt::format("the XRT module cannot be loaded: {}; docs/npu.md says how it is "
                                                     "built",
                                                     reason != nullptr ? reason : path.string()));
  }
  ~Module() { dlclose(handle_); }
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  template <typename Function>
  Function function(const char* name) const {
    void* symbol = dlsym(handle_, name);
    if (symbol == nullptr) throw Error(ErrorCode::kUnsupported, fmt::format("the XRT module has no {}", name));
    return reinterpret_cast<Function>(symbol);
  }

 private:
  void* handle_;
};

// Keeps the module loaded for as long as its code is needed.
class LoadedRuntime final : public NpuRuntime {
 public:
  LoadedRuntime(std::shared_ptr<Module> module, std::unique_ptr<NpuRuntime> real)
      : module_(std::move(module)), real_(std::move(real)) {}

  DeviceInfo info() override { return real_->info(); }
  std::unique_ptr<NpuKernel> load_kernel(const KernelRequest& request) override { return real_->load_kernel(request); }
  std::unique_ptr<NpuBuffer> allocate(const NpuKernel& kernel, std::size_t argument) override {
    return real_->allocate(kernel, argument);
  }
  void sync_to_device(NpuBuffer& buffer) override { real_->sync_to_device(buffer); }
  void sync_from_device(NpuBuffer& buffer) override { real_->sync_from_device(buffer); }
  std::unique_ptr<NpuRun> start(NpuKernel& kernel, std::span<NpuBuffer* const> arguments) override {
    return real_->start(kernel, arguments);
  }
  RunResult wait(NpuRun& run, std::chrono::milliseconds timeout) override { return real_->wait(run, timeout); }
  void close() override { real_->close(); }

 private:
  std::shared_ptr<Module> module_;
  std::unique_ptr<NpuRuntime> real_;  // goes before the module
};

}  // namespace

OpenRuntime xrt_opener(const std::filesystem::path& path, const std::filesystem::path& kernels) {
  return [path, kernels]() -> std::unique_ptr<NpuRuntime> {
    auto module = std::make_shared<Module>(path);
    const int version = module->function<XrtVersionFn>(kXrtVersionSymbol)();
    if (version != kXrtModuleVersion) {
      throw Error(ErrorCode::kUnsupported,
                  fmt::format("{} is of version {}, this program needs {}; build both from one source", path.string(),
                              version, kXrtModuleVersion));
    }
    const XrtOptions options = {.find = [kernels](const KernelSpec& spec, const LaunchShape& shape) {
      return find_binaries(kernels, spec, shape);
    }};
    std::unique_ptr<NpuRuntime> real(module->function<XrtOpenFn>(kXrtOpenSymbol)(options));
    return std::make_unique<LoadedRuntime>(std::move(module), std::move(real));
  };
}

}  // namespace amanuensis::device::npu
