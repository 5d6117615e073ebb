#include "cli/engine.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <utility>
#include <vector>

#include "base/cpu_features.h"
#include "base/error.h"
#include "cli/option_values.h"
#include "device/cpu/cpu_backend.h"
#include "device/npu/npu_backend.h"

namespace amanuensis::cli {
namespace {

std::string choose_compute_type(const std::string& text) {
  constexpr std::array<std::string_view, 4> kChoices{"auto", "float32", "bfloat16", "int8"};
  return read_choice({"--compute-type", text}, kChoices);
}

}  // namespace

Engine::Engine(const Context& context, const EngineOptions& options)
    : path_(find_model(context.hub, options.model)),
      kernels_(kernels::select_kernels(detect_cpu_features(), context.environment.isa)),
      pool_(options.threads) {
  const DeviceChoice device = read_device(options.device);
  npu_ = open_npu(
      context.environment,
      {.device = device, .threads = options.threads, .fault = options.npu_fault, .on_event = options.on_npu_event});
  const MelChoice mel = read_log_mel(options.log_mel);
  if (npu_ != nullptr && (mel == MelChoice::kNpu || (mel == MelChoice::kAuto && device != DeviceChoice::kAuto))) {
    mel_ = std::make_unique<NpuMelDevice>(*npu_);
  }
  backend_ = device::make_cpu_backend(
      {.pool = pool_, .kernels = kernels_, .compute_type = read_compute_type(options.compute_type, kernels_)});
  if (npu_ != nullptr) {
    backend_ = device::npu::make_npu_backend({.cpu = std::move(backend_), .operations = npu_->operations()});
  }
  const model::Checkpoint checkpoint = model::open_checkpoint(path_);
  format_ = checkpoint.format;
  tokenizer_ = std::make_unique<model::Tokenizer>(checkpoint.vocabulary);
  generation_ = checkpoint.generation;
  model_ = std::make_unique<model::WhisperModel>(checkpoint, *backend_);
}

std::string Engine::description() const {
  return fmt::format("{}, {}, {}", format_, backend_->description(), device::to_string(backend_->compute_type()));
}

std::filesystem::path find_model(const model::Hub& hub, const std::string& name) {
  if (!name.empty()) return hub.resolve(name);
  try {
    return hub.resolve(kDefaultModel);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kNotFound) throw;
  }
  std::vector<std::string> others;
  for (const model::InstalledModel& model : hub.installed()) {
    if (model.kind == model::ModelKind::kWhisper) others.push_back("--model " + model.name);
  }
  const std::string alternative =
      others.empty() ? std::string() : fmt::format(", or use one that is here: {}", fmt::join(others, ", "));
  throw Error(
      ErrorCode::kNotFound,
      fmt::format("no model was named and the default, '{}', is not on this machine. `amanuensis models pull {}` "
                  "fetches it (about 295 MB){}",
                  kDefaultModel, kDefaultModel, alternative));
}

MelChoice read_log_mel(const std::string& text) {
  constexpr std::array<std::string_view, 3> kChoices{"auto", "cpu", "npu"};
  const std::string choice = read_choice({"--log-mel", text}, kChoices);
  return choice == "cpu" ? MelChoice::kCpu : choice == "npu" ? MelChoice::kNpu : MelChoice::kAuto;
}

void check_compute_type(const std::string& text) { choose_compute_type(text); }

device::ComputeType read_compute_type(const std::string& text, const kernels::KernelTable& kernels) {
  const std::string choice = choose_compute_type(text);
  if (choice == "float32") return device::ComputeType::kFloat32;
  if (choice == "bfloat16") return device::ComputeType::kBFloat16;
  if (choice == "int8") return device::ComputeType::kInt8;
  return kernels::fastest_type(kernels) == kernels::GemmType::kInt8 ? device::ComputeType::kInt8
                                                                    : device::ComputeType::kFloat32;
}

}  // namespace amanuensis::cli
