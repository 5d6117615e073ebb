#include "server/endpoints/endpoints.h"

namespace amanuensis::server {
namespace {

constexpr std::size_t kSmallBody = 64 * 1024;

using Handler = Task<Response> (*)(Service&, Request&);

Route route(Service& service, std::string_view method, std::string_view path, Handler handler) {
  return {.method = method, .path = path, .access = Access::kKey, .handle = [&service, handler](Request& request) {
            return handler(service, request);
          }};
}

Route open_to_all(Route route) {
  route.access = Access::kEverybody;
  return route;
}

Route admin_only(Route route) {
  route.access = Access::kAdmin;
  return route;
}

Route with_body(Route route, std::size_t max_bytes) {
  route.max_body_bytes = max_bytes;
  return route;
}

}  // namespace

Router make_routes(Service& service) {
  const std::size_t upload = service.options.max_upload_bytes;
  return Router({
      open_to_all(route(service, "GET", "/health", get_health)),
      open_to_all(route(service, "GET", "/ready", get_ready)),
      route(service, "GET", "/v1/models", list_models),
      route(service, "GET", "/v1/models/{id...}", get_model),
      with_body(route(service, "POST", "/v1/audio/transcriptions", create_transcription), upload),
      with_body(route(service, "POST", "/v1/audio/translations", create_translation), upload),
      with_body(route(service, "POST", "/v1/jobs", create_job), upload),
      route(service, "GET", "/v1/jobs", list_jobs),
      route(service, "GET", "/v1/jobs/{id}", get_job),
      route(service, "DELETE", "/v1/jobs/{id}", delete_job),
      route(service, "GET", "/v1/jobs/{id}/result", get_job_result),
      route(service, "GET", "/v1/jobs/{id}/audio", get_job_audio),
      route(service, "GET", "/v1/jobs/{id}/events", get_job_events),
      admin_only(with_body(route(service, "POST", "/v1/models/pull", pull_model), kSmallBody)),
      open_to_all(route(service, "GET", "/metrics", get_metrics)),
      route(service, "GET", "/ws/transcribe", live_captions),
      route(service, "GET", "/v1/realtime", realtime),
      open_to_all(route(service, "GET", "/openapi.json", get_description)),
      route(service, "GET", "/models", old_models),
      route(service, "GET", "/status", old_status),
      with_body(route(service, "POST", "/transcribe", old_transcribe), upload),
      route(service, "GET", "/progress/{job_id}", old_progress),
      route(service, "GET", "/progress/{job_id}/stream", old_progress_stream),
      open_to_all(route(service, "GET", "/", get_page)),
      open_to_all(route(service, "GET", "/assets/{name...}", get_asset)),
  });
}

}  // namespace amanuensis::server
