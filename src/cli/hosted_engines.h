// The engines of a worker: models read into memory when a job needs one, and kept while there is room. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "cli/serving_models.h"
#include "fleet/engine_host.h"

namespace amanuensis::cli {

class HostedEngines : public fleet::EngineHost {
 public:
  // `models` must outlive the object and all engines it has given out. Reads the default model at once.
  HostedEngines(ServingModels& models, std::size_t max_models);

  std::shared_ptr<fleet::HostedEngine> engine(const std::string& model) override;
  const pipeline::Diarizer& diarizer() const override { return *models_.diarizer(); }

 private:
  struct Kept {
    std::shared_ptr<fleet::HostedEngine> engine;
    std::uint64_t used = 0;  // grows with each use: the smallest was not used for longest
  };

  ServingModels& models_;
  const std::size_t max_models_;
  std::mutex mutex_;
  std::uint64_t uses_ = 0;
  std::map<std::string, Kept> kept_;
};

}  // namespace amanuensis::cli
