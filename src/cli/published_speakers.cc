#include "cli/published_speakers.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <vector>

#include "base/cpu_features.h"
#include "device/cpu/cpu_backend.h"
#include "kernels/select.h"

namespace amanuensis::cli {
namespace {

// The folder of a network that is here; empty otherwise.
std::filesystem::path find_network(const std::vector<model::InstalledModel>& installed, std::string_view name) {
  const auto found = std::ranges::find(installed, name, &model::InstalledModel::name);
  return found == installed.end() ? std::filesystem::path() : found->path;
}

}  // namespace

PublishedSpeakers::PublishedSpeakers(const Context& context, std::size_t threads) {
  const std::vector<model::InstalledModel> installed = context.hub.installed();
  const pipeline::PublishedNetworkPaths paths{.segmentation = find_network(installed, "pyannote-segmentation-3.0"),
                                              .embedding = find_network(installed, "wespeaker-voxceleb-resnet34-LM")};
  // The segmentation's speakers need a voice each, which the built-in embedding does not tell apart.
  if (paths.embedding.empty()) return;
  pool_ = std::make_unique<ThreadPool>(ThreadPoolOptions{.threads = threads});
  backend_ =
      device::make_cpu_backend({.pool = *pool_,
                                .kernels = kernels::select_kernels(detect_cpu_features(), context.environment.isa),
                                .compute_type = device::ComputeType::kFloat32});
  networks_ = pipeline::open_published_networks(paths, *backend_);
}

PublishedSpeakers::~PublishedSpeakers() = default;

}  // namespace amanuensis::cli
