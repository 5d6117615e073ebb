// The models of this machine, for the server: composes checkpoints, kernels and engines when it asks for them.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/context.h"
#include "cli/engine.h"
#include "cli/speaker_tools.h"
#include "cli/vad_options.h"
#include "server/models/model_host.h"

namespace amanuensis::cli {

struct ServingOptions {
  EngineOptions engine;  // its model is the default one
  VadRequest vad;
  std::size_t batch_size = 16;
};

class ServingModels : public server::ModelHost {
 public:
  // The context must outlive the object. Throws Error{kNotFound} when the default model is not here.
  ServingModels(const Context& context, ServingOptions options);

  // The id under which the default model is installed.
  const std::string& default_model() const { return default_model_; }

  std::vector<server::InstalledModel> installed() const override;
  std::unique_ptr<server::LoadedModel> load(const std::string& id) override;
  void pull(const std::string& name, const std::function<void(const server::PullState&)>& on_progress,
            const std::stop_token& stop) override;
  server::HardwareFacts hardware() const override { return hardware_; }
  const pipeline::Diarizer* diarizer() const override { return &speakers_.diarizer(); }

 private:
  const Context& context_;
  const ServingOptions options_;
  const SpeakerTools speakers_;
  const server::HardwareFacts hardware_;
  std::string default_model_;
  // The default model's place, when it was named by a path.
  std::optional<std::filesystem::path> default_path_;
};

}  // namespace amanuensis::cli
