// GET /health: the process lives. GET /ready: it takes work. Documented in docs/api/health.md.
#include <nlohmann/json.hpp>

#include "server/endpoints/endpoints.h"

namespace amanuensis::server {

Task<Response> get_health(Service& service, Request&) {
  const nlohmann::ordered_json json = {{"status", "ok"}, {"version", service.options.version}};
  co_return json_response(json.dump());
}

Task<Response> get_ready(Service& service, Request&) {
  const bool full = service.queue.waiting() >= service.queue.options().capacity && service.queue.options().capacity > 0;
  // The default model stays in memory once it has been read.
  const bool loading = !service.models.is_loaded(service.models.options().default_model);
  const char* status = service.draining ? "draining" : loading ? "loading" : full ? "busy" : "ready";
  const nlohmann::ordered_json json = {{"status", status}};
  co_return json_response(json.dump(), service.draining || loading || full ? 503 : 200);
}

}  // namespace amanuensis::server
