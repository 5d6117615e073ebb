#include "cli/serving_models.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <utility>

#include "base/cpu_features.h"
#include "cli/batched_transcription.h"
#include "device/backend.h"
#include "kernels/select.h"

namespace amanuensis::cli {
namespace {

namespace fs = std::filesystem;

// A detector together with the network that only it uses.
class OwningDetector : public pipeline::VoiceDetector {
 public:
  explicit OwningDetector(std::unique_ptr<VoiceActivity> voice)
      : voice_(std::move(voice)), detector_(voice_->factory()()) {}
  std::string_view name() const override { return detector_->name(); }
  void push(std::span<const float> samples, std::vector<float>& probabilities) override {
    detector_->push(samples, probabilities);
  }
  void finish(std::vector<float>& probabilities) override { detector_->finish(probabilities); }

 private:
  std::unique_ptr<VoiceActivity> voice_;
  std::unique_ptr<pipeline::VoiceDetector> detector_;
};

server::NpuFacts npu_facts(NpuDevice& npu) {
  const device::npu::ExecutorStatus status = npu.executor().status();
  server::NpuFacts facts;
  facts.device = status.device ? status.device->name : "NPU";
  facts.simulated = status.device && status.device->simulated;
  facts.available = status.available;
  facts.reason = status.reason;
  for (const device::npu::OperationCount& count : npu.operations().counts()) {
    facts.operations.push_back(
        {.name = count.name, .on_npu = count.npu + count.npu_single, .on_cpu = count.cpu, .reason = count.reason});
  }
  for (const device::npu::KernelStatus& kernel : status.kernels) {
    facts.kernels.push_back({.name = kernel.name,
                             .state = std::string(device::npu::to_string(kernel.state)),
                             .reason = kernel.reason,
                             .launches = kernel.counters.launches,
                             .failures = kernel.counters.failures,
                             .kernel_s = kernel.counters.kernel_s,
                             .transfer_s = kernel.counters.transfer_s});
  }
  return facts;
}

class ServedModel : public server::LoadedModel {
 public:
  ServedModel(const Context& context, const EngineOptions& model, const ServingOptions& options)
      : context_(context), vad_(options.vad), model_(context, model), voice_(context, options.vad) {
    engine_ = make_batched_engine(model_, {.batch_size = options.batch_size, .detector = voice_.factory()});
    facts_.format = model_.format();
    facts_.compute_type = std::string(device::to_string(model_.compute_type()));
    facts_.kernels = std::string(kernels::to_string(model_.kernels().isa));
    facts_.detector = voice_.name();
    facts_.multilingual = model_.generation().is_multilingual;
  }

  pipeline::Engine& engine() override { return *engine_; }
  const server::ModelFacts& facts() const override { return facts_; }
  std::optional<server::NpuFacts> npu() const override {
    if (model_.npu() == nullptr) return std::nullopt;
    return npu_facts(*model_.npu());
  }
  std::unique_ptr<pipeline::VoiceDetector> make_detector() override {
    return std::make_unique<OwningDetector>(std::make_unique<VoiceActivity>(context_, vad_));
  }

  server::ModelFacts facts_;

 private:
  const Context& context_;
  const VadRequest vad_;
  Engine model_;
  VoiceActivity voice_;
  std::unique_ptr<pipeline::Engine> engine_;  // uses all of the above
};

std::int64_t modified_unix_s(const fs::path& path) {
  struct stat facts {};
  return stat(path.c_str(), &facts) == 0 ? static_cast<std::int64_t>(facts.st_mtime) : 0;
}

std::uint64_t size_of(const fs::path& path) {
  std::error_code problem;
  if (fs::is_regular_file(path, problem)) return fs::file_size(path, problem);
  std::uint64_t sum = 0;
  for (const auto& entry : fs::directory_iterator(path, problem)) {
    if (entry.is_regular_file(problem)) sum += entry.file_size(problem);
  }
  return sum;
}

// As /proc/cpuinfo calls it; "cpu" where it does not say.
std::string processor_name() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("model name")) continue;
    const std::size_t colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
  return "cpu";
}

server::HardwareFacts hardware_facts(const Context& context, std::size_t threads) {
  const kernels::KernelTable table = kernels::select_kernels(detect_cpu_features(), context.environment.isa);
  return {.type = "cpu",
          .name = processor_name(),
          .device = "cpu",
          .kernels = std::string(kernels::to_string(table.isa)),
          .threads = ThreadPool(threads).threads(),
          .priority = {"cpu"}};
}

}  // namespace

ServingModels::ServingModels(const Context& context, ServingOptions options)
    : context_(context),
      options_(std::move(options)),
      speakers_(context, {.threads = 1, .vad = options_.vad}),
      hardware_(hardware_facts(context, options_.engine.threads)) {
  const fs::path path = find_model(context.hub, options_.engine.model);
  for (const model::InstalledModel& model : context.hub.installed()) {
    if (model.path == path) default_model_ = model.name;
  }
  if (!default_model_.empty()) return;
  default_path_ = path;
  default_model_ = path.filename().empty() ? path.parent_path().filename().string() : path.filename().string();
}

std::vector<server::InstalledModel> ServingModels::installed() const {
  std::vector<server::InstalledModel> models;
  if (default_path_) {
    models.push_back({.id = default_model_,
                      .owner = "local",
                      .size_bytes = size_of(*default_path_),
                      .created_unix_s = modified_unix_s(*default_path_)});
  }
  for (const model::InstalledModel& model : context_.hub.installed()) {
    if (model.kind != model::ModelKind::kWhisper) continue;
    if (default_path_ && model.name == default_model_) continue;
    const std::size_t slash = model.repository.find('/');
    models.push_back({.id = model.name,
                      .owner = slash == std::string::npos ? "amanuensis" : model.repository.substr(0, slash),
                      .size_bytes = model.size_bytes,
                      .created_unix_s = modified_unix_s(model.path)});
  }
  return models;
}

std::unique_ptr<server::LoadedModel> ServingModels::load(const std::string& id) {
  const auto start = std::chrono::steady_clock::now();
  EngineOptions engine = options_.engine;
  engine.model = default_path_ && id == default_model_ ? default_path_->string() : id;
  auto model = std::make_unique<ServedModel>(context_, engine, options_);
  model->facts_.id = id;
  model->facts_.load_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return model;
}

void ServingModels::pull(const std::string& name, const std::function<void(const server::PullState&)>& on_progress,
                         const std::stop_token& stop) {
  context_.hub.pull(
      name,
      [&on_progress](const model::PullProgress& progress) {
        on_progress({progress.done_bytes, progress.total_bytes});
      },
      stop);
}

}  // namespace amanuensis::cli
