// GET /v1/models and /v1/models/{id}: what can be named as model. Documented in docs/api/models.md.
#include <nlohmann/json.hpp>

#include "server/endpoints/endpoints.h"

namespace amanuensis::server {
namespace {

nlohmann::ordered_json model_json(const Service& service, const InstalledModel& model, const std::string& id) {
  return {{"id", id},
          {"object", "model"},
          {"created", model.created_unix_s},
          {"owned_by", model.owner},
          {"size_bytes", model.size_bytes},
          {"loaded", service.models.is_loaded(model.id)},
          {"default", model.id == service.models.options().default_model}};
}

const InstalledModel* find_installed(const Service& service, const std::string& id) {
  for (const InstalledModel& model : service.models.installed()) {
    if (model.id == id) return &model;
  }
  return nullptr;
}

}  // namespace

Task<Response> list_models(Service& service, Request&) {
  co_await service.models.refresh();
  nlohmann::ordered_json data = nlohmann::ordered_json::array();
  for (const InstalledModel& model : service.models.installed()) data.push_back(model_json(service, model, model.id));
  for (const auto& [alias, target] : service.models.options().aliases) {
    const std::string id = target.empty() ? service.models.options().default_model : target;
    const InstalledModel* model = find_installed(service, id);
    if (model == nullptr) continue;
    nlohmann::ordered_json entry = model_json(service, *model, alias);
    entry["alias_of"] = id;
    entry["default"] = false;
    data.push_back(std::move(entry));
  }
  const nlohmann::ordered_json json = {{"object", "list"}, {"data", data}};
  co_return json_response(json.dump());
}

Task<Response> get_model(Service& service, Request& request) {
  co_await service.models.refresh();
  const std::string& asked = request.path_values["id"];
  const std::string id = service.models.resolve(asked);
  nlohmann::ordered_json json = model_json(service, *find_installed(service, id), asked);
  if (id != asked) json["alias_of"] = id;
  co_return json_response(json.dump());
}

}  // namespace amanuensis::server
