// GET /status and GET /models, as the old server had them. Documented in docs/api/status.md.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

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

// An operation is ready when one of its kernels has passed its self-test on the device that is in use.
Json npu_json(const Service& service) {
  std::optional<NpuFacts> npu;
  service.models.for_each_loaded([&](const LoadedModel& model) {
    if (!npu) npu = model.npu();
  });
  const auto ready = [&](std::string_view prefix) {
    return npu && npu->available && std::any_of(npu->kernels.begin(), npu->kernels.end(), [&](const auto& kernel) {
             return kernel.name.starts_with(prefix) && kernel.state == "ready";
           });
  };
  // A whole block has attention, norms and products in it.
  const bool block = ready("encoder_block");
  Json json = {{"available", npu && npu->available},
               {"mel_ready", ready("log_mel")},
               {"gelu_ready", ready("gelu")},
               {"attention_ready", block || ready("attention")},
               {"layernorm_ready", block || ready("layer_norm")},
               {"matmul_ready", block || ready("matmul")},
               {"softmax_ready", ready("softmax")}};
  if (!npu) return json;
  json["device"] = npu->device;
  json["simulated"] = npu->simulated;
  json["reason"] = npu->reason.empty() ? Json(nullptr) : Json(npu->reason);
  json["audio_seconds"] = npu->audio_s;
  json["realtime_factor"] = npu->realtime_factor;
  json["kernels_loaded"] = std::count_if(npu->kernels.begin(), npu->kernels.end(),
                                         [](const auto& kernel) { return kernel.state == "ready"; });
  json["events"] = npu->events;
  json["operations"] = Json::array();
  for (const auto& each : npu->operations) {
    json["operations"].push_back({{"name", each.name},
                                  {"npu", each.on_npu},
                                  {"npu_single", each.on_npu_single},
                                  {"cpu", each.on_cpu},
                                  {"reason", each.reason}});
  }
  json["kernels"] = Json::array();
  double kernel_s = 0;
  for (const auto& each : npu->kernels) kernel_s += each.kernel_s;
  for (const auto& each : npu->kernels) {
    json["kernels"].push_back({{"name", each.name},
                               {"state", each.state},
                               {"reason", each.reason},
                               {"loads", each.loads},
                               {"launches", each.launches},
                               {"rows", each.rows},
                               {"failures", each.failures},
                               {"kernel_seconds", each.kernel_s},
                               {"transfer_seconds", each.transfer_s},
                               {"predicted_seconds", each.predicted_s},
                               {"share", kernel_s > 0 ? each.kernel_s / kernel_s : 0}});
  }
  return json;
}

}  // namespace

// `name` and `kernels` are the processor's, which does at least a part of the work; `type` and `device` say what takes
// the encoder.
Json hardware_json(const Service& service) {
  const HardwareFacts facts = service.models.host().hardware();
  std::string device = "cpu";
  std::string name = facts.name;
  service.models.for_each_loaded([&](const LoadedModel& model) {
    const auto npu = model.npu();
    if (device != "cpu" || !npu || !npu->available) return;
    device = model.facts().device;
    name = npu->device + ", " + facts.name;
  });
  return {{"type", device == "cpu" ? "cpu" : "npu"},
          {"name", std::move(name)},
          {"device", std::move(device)},
          {"kernels", facts.kernels},
          {"threads", facts.threads},
          {"priority", facts.priority}};
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
                     {"npu_runtime", npu_json(service)},
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
