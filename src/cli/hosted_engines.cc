#include "cli/hosted_engines.h"

#include <algorithm>
#include <utility>

namespace amanuensis::cli {
namespace {

class Hosted : public fleet::HostedEngine {
 public:
  explicit Hosted(std::unique_ptr<server::LoadedModel> model) : model_(std::move(model)) {}
  pipeline::Engine& engine() override { return model_->engine(); }

 private:
  std::unique_ptr<server::LoadedModel> model_;
};

}  // namespace

HostedEngines::HostedEngines(ServingModels& models, std::size_t max_models)
    : models_(models), max_models_(std::max<std::size_t>(1, max_models)) {
  engine(models_.default_model());
}

std::shared_ptr<fleet::HostedEngine> HostedEngines::engine(const std::string& model) {
  // Whoever needs another model waits while one is being read: two at once would need the memory of both.
  const std::scoped_lock lock(mutex_);
  const auto known = kept_.find(model);
  if (known != kept_.end()) {
    known->second.used = ++uses_;
    return known->second.engine;
  }
  while (kept_.size() >= max_models_) {
    const auto oldest = std::ranges::min_element(kept_, {}, [](const auto& each) { return each.second.used; });
    kept_.erase(oldest);
  }
  auto engine = std::make_shared<Hosted>(models_.load(model));
  kept_[model] = {.engine = engine, .used = ++uses_};
  return engine;
}

}  // namespace amanuensis::cli
