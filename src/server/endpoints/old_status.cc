// GET /status and GET /models, as the old server had them. Documented in docs/api/status.md.
#include <nlohmann/json.hpp>

#include "server/endpoints/endpoints.h"
#include "server/endpoints/old_api.h"

namespace amanuensis::server {
namespace {

using Json = nlohmann::ordered_json;

std::string current_model(const Service& service) {
  const std::vector<ModelFacts> loaded = service.models.loaded();
  return loaded.empty() ? service.models.options().default_model : loaded.front().id;
}

// Which model tells speakers apart.
Json diarization_json(const Service& service) {
  const pipeline::Diarizer* diarizer = service.models.host().diarizer();
  if (diarizer == nullptr) return {{"available", false}, {"model", nullptr}, {"note", kNoDiarization}};
  return {{"available", true}, {"model", diarizer->model()}, {"note", nullptr}};
}

}  // namespace

Json hardware_json(const Service& service) {
  const HardwareFacts facts = service.models.host().hardware();
  return {{"type", facts.type},       {"name", facts.name},       {"device", facts.device},
          {"kernels", facts.kernels}, {"threads", facts.threads}, {"priority", facts.priority}};
}

Task<Response> old_status(Service& service, Request&) {
  co_await service.models.refresh();
  Json found = Json::array();
  for (const InstalledModel& model : service.models.installed()) found.push_back(model.id);
  const Performance performance = service.stats.performance();
  const Json json = {{"status", service.draining              ? "draining"
                                : service.queue.running() > 0 ? "busy"
                                                              : "ready"},
                     {"version", service.options.version},
                     {"current_model", current_model(service)},
                     {"models_found", std::move(found)},
                     {"hardware", hardware_json(service)},
                     // No NPU is in use: nothing here is ready.
                     {"npu_runtime",
                      {{"available", false},
                       {"mel_ready", false},
                       {"gelu_ready", false},
                       {"attention_ready", false},
                       {"layernorm_ready", false},
                       {"matmul_ready", false},
                       {"softmax_ready", false}}},
                     {"diarization", diarization_json(service)},
                     {"queue",
                      {{"running", service.queue.running()},
                       {"waiting", service.queue.waiting()},
                       {"capacity", service.queue.options().capacity}}},
                     {"performance",
                      {{"audio_seconds_total", performance.audio_s},
                       {"processing_seconds_total", performance.processing_s},
                       {"realtime_factor", performance.realtime_factor},
                       {"realtime_factor_recent", performance.realtime_factor_recent}}}};
  co_return json_response(json.dump());
}

Task<Response> old_models(Service& service, Request&) {
  co_await service.models.refresh();
  Json models = Json::array();
  for (const InstalledModel& model : service.models.installed()) {
    models.push_back({{"id", model.id},
                      {"name", model.id},
                      {"size_bytes", model.size_bytes},
                      {"loaded", service.models.is_loaded(model.id)},
                      {"default", model.id == service.models.options().default_model}});
  }
  const Json json = {{"models", std::move(models)}, {"current_model", current_model(service)}};
  co_return json_response(json.dump());
}

}  // namespace amanuensis::server
