// GET / and /assets/{name...}, /openapi.json: the page and the description of the API, from the program's own memory.
// Documented in docs/api/page.md.
#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <nlohmann/json.hpp>
#include <span>

#include "server/assets/embedded.h"
#include "server/endpoints/endpoints.h"
#include "server/http/http_error.h"
#include "server/http/random_id.h"

namespace amanuensis::server {
namespace {

// Nothing but what this server itself sends; blob: is for recordings from the microphone, and for what is saved.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "media-src 'self' blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'";

std::string_view content_type(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kTypes{
      {{".html", "text/html; charset=utf-8"},
       {".js", "text/javascript; charset=utf-8"},
       {".mjs", "text/javascript; charset=utf-8"},
       {".css", "text/css; charset=utf-8"},
       {".svg", "image/svg+xml"},
       {".png", "image/png"},
       {".ico", "image/x-icon"},
       {".json", "application/json"},
       {".webmanifest", "application/manifest+json"},
       {".woff2", "font/woff2"}}};
  for (const auto& [ending, type] : kTypes) {
    if (name.ends_with(ending)) return type;
  }
  return "application/octet-stream";
}

std::string entity_tag(std::string_view bytes) {
  std::array<unsigned char, 32> digest{};
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
  return fmt::format("\"{}\"", to_hex(std::span(digest).first(12)));
}

Response file_response(const Request& request, const EmbeddedFile& file) {
  const std::string tag = entity_tag(file.bytes());
  Response response;
  response.headers = {{"etag", tag},
                      {"cache-control", "no-cache"},
                      {"content-security-policy", std::string(kPolicy)},
                      {"referrer-policy", "no-referrer"},
                      {"cross-origin-opener-policy", "same-origin"},
                      {"cross-origin-resource-policy", "same-origin"},
                      {"permissions-policy", "camera=(), geolocation=(), microphone=(self)"}};
  if (request.header("if-none-match").find(tag) != std::string_view::npos) {
    response.status = 304;
    return response;
  }
  response.headers["content-type"] = content_type(file.name);
  response.body = file.bytes();
  return response;
}

const EmbeddedFile* find_file(std::string_view name) {
  for (const EmbeddedFile& file : embedded_page()) {
    if (file.name == name) return &file;
  }
  return nullptr;
}

}  // namespace

Task<Response> get_page(Service& service, Request& request) {
  const EmbeddedFile* page = find_file("index.html");
  if (page != nullptr && request.header("accept").find("text/html") != std::string_view::npos) {
    Response response = file_response(request, *page);
    response.headers["vary"] = "accept";
    co_return response;
  }
  // What the old server said at this address, for programs.
  const nlohmann::ordered_json json = {{"service", "amanuensis"},
                                       {"version", service.options.version},
                                       {"status", service.draining ? "draining" : "ready"},
                                       {"endpoints",
                                        {{"transcribe", "/transcribe"},
                                         {"status", "/status"},
                                         {"models", "/models"},
                                         {"openai", "/v1"},
                                         {"jobs", "/v1/jobs"},
                                         {"description", "/openapi.json"}}}};
  Response response = json_response(json.dump());
  response.headers["vary"] = "accept";
  co_return response;
}

Task<Response> get_description(Service&, Request&) {
  co_return json_response(std::string(embedded_description().front().bytes()));
}

Task<Response> get_asset(Service&, Request& request) {
  const std::string& name = request.path_values["name"];
  const EmbeddedFile* file = find_file(name);
  if (file == nullptr) {
    throw HttpError({.status = 404, .message = "the page has no such file", .code = "unknown_url"});
  }
  co_return file_response(request, *file);
}

}  // namespace amanuensis::server
