// GET /metrics: the server's numbers, for Prometheus. Documented in docs/api/metrics.md.
#include "server/endpoints/endpoints.h"

namespace amanuensis::server {

Task<Response> get_metrics(Service& service, Request&) {
  co_return text_response(service.metrics.text(service), "text/plain; version=0.0.4; charset=utf-8");
}

}  // namespace amanuensis::server
