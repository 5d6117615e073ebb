#include "server/endpoints/endpoints.h"

namespace amanuensis::server {
namespace {

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
  });
}

}  // namespace amanuensis::server
