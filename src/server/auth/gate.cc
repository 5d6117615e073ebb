#include "server/auth/gate.h"

#include <fmt/format.h>

#include <algorithm>

#include "server/http/http_error.h"
#include "server/http/websocket.h"

namespace amanuensis::server {
namespace {

// From "Authorization: Bearer KEY", from "X-API-Key: KEY", or, where a browser can set neither, from the WebSocket
// protocol "openai-insecure-api-key.KEY", as OpenAI's clients do.
std::string_view given_key(const Request& request) {
  constexpr std::string_view kBearer = "Bearer ";
  constexpr std::string_view kProtocol = "openai-insecure-api-key.";
  const std::string_view authorization = request.header("authorization");
  if (authorization.starts_with(kBearer)) return authorization.substr(kBearer.size());
  if (const std::string_view key = request.header("x-api-key"); !key.empty()) return key;
  const std::string_view protocols = request.header("sec-websocket-protocol");
  const std::size_t at = protocols.find(kProtocol);
  if (at == std::string_view::npos) return {};
  const std::string_view key = protocols.substr(at + kProtocol.size());
  return key.substr(0, key.find_first_of(", "));
}

// Whether the page that asks came from this server itself.
bool is_same_site(const Request& request, std::string_view origin) {
  const std::size_t scheme = origin.find("://");
  return scheme != std::string_view::npos && origin.substr(scheme + 3) == request.header("host");
}

// From this machine, and not on behalf of another: a proxy's clients are everybody.
bool is_local(const Request& request) {
  const std::string& address = request.caller.address;
  return (address.starts_with("127.") || address == "::1") && request.header("forwarded").empty() &&
         request.header("x-forwarded-for").empty();
}

HttpError refused(int status, const std::string& message, const std::string& code) {
  ErrorBody body{.status = status, .message = message, .code = code};
  if (status == 401) body.headers["www-authenticate"] = "Bearer";
  return HttpError(body);
}

}  // namespace

bool Gate::allows_origin(std::string_view origin) const {
  return std::any_of(origins_.begin(), origins_.end(),
                     [&](const std::string& allowed) { return allowed == "*" || allowed == origin; });
}

void Gate::admit(Request& request, const Route& route) {
  if (!allows_host(hosts_, request.header("host"))) {
    throw refused(403,
                  fmt::format("this server does not answer to the name '{}'; its owner can allow it with "
                              "--allowed-hosts, or ask for keys with --key-file",
                              request.header("host").substr(0, 100)),
                  "host_refused");
  }
  // A page of another site could make a visitor's browser send work here.
  const std::string_view origin = request.header("origin");
  const bool changes = (request.method != "GET" && request.method != "HEAD") || asks_for_websocket(request);
  if (changes && !origin.empty() && !is_same_site(request, origin) && !allows_origin(origin)) {
    throw refused(403, "pages of other sites may not use this server; its owner can allow them with --cors-origin",
                  "origin_refused");
  }
  const std::string_view given = given_key(request);
  const ApiKey* key = keys_.empty() || given.empty() ? nullptr : keys_.find(given);
  if (key != nullptr) {
    request.caller.key_name = key->name;
    request.caller.admin = key->admin;
  }
  if (keys_.empty()) request.caller.admin = is_local(request);
  if (route.access == Access::kEverybody) {
    request.caller.key_name.clear();  // not counted
    return;
  }
  if (!keys_.empty() && key == nullptr) {
    throw given.empty() ? refused(401, "an API key is needed: send it as Authorization: Bearer KEY", "missing_api_key")
                        : refused(401, "the API key is not one of this server's", "invalid_api_key");
  }
  if (route.access == Access::kAdmin && !request.caller.admin) {
    throw refused(403, "only an admin key may do this", "admin_only");
  }
  if (key == nullptr) return;
  try {
    keys_.begin(*key, Clock::now());
  } catch (...) {
    request.caller.key_name.clear();  // nothing was counted that would have to be taken back
    throw;
  }
}

void Gate::leave(const Request& request) {
  if (!request.caller.key_name.empty()) keys_.end(request.caller.key_name);
}

void Gate::add_cors_headers(const Request& request, Response& response) const {
  const std::string_view origin = request.header("origin");
  if (origins_.empty()) return;
  response.headers["vary"] = response.headers.contains("vary") ? response.headers["vary"] + ", origin" : "origin";
  if (origin.empty() || !allows_origin(origin)) return;
  response.headers["access-control-allow-origin"] = std::string(origin);
  response.headers["access-control-expose-headers"] = "x-job-id, x-request-id, retry-after, location";
  if (request.method != "OPTIONS") return;
  response.headers["access-control-allow-methods"] = "GET, HEAD, POST, DELETE";
  response.headers["access-control-allow-headers"] = "authorization, content-type, x-api-key, last-event-id, range";
  response.headers["access-control-max-age"] = "600";
}

}  // namespace amanuensis::server
