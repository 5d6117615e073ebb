#include "server/http/http_error.h"

#include <array>
#include <new>
#include <nlohmann/json.hpp>
#include <utility>

namespace amanuensis::server {

std::string_view error_type(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 429:
      return "rate_limit_error";
    default:
      return status >= 500 ? "server_error" : "invalid_request_error";
  }
}

std::string error_json(const ErrorBody& error) {
  const auto or_null = [](const std::string& text) {
    return text.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(text);
  };
  const nlohmann::ordered_json json = {{"error",
                                        {{"message", error.message},
                                         {"type", error_type(error.status)},
                                         {"param", or_null(error.param)},
                                         {"code", or_null(error.code)}}}};
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string_view status_text(int status) {
  constexpr std::array<std::pair<int, std::string_view>, 25> kTexts{{
      {101, "Switching Protocols"},
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {206, "Partial Content"},
      {304, "Not Modified"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {411, "Length Required"},
      {413, "Content Too Large"},
      {415, "Unsupported Media Type"},
      {416, "Range Not Satisfiable"},
      {422, "Unprocessable Content"},
      {426, "Upgrade Required"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {503, "Service Unavailable"},
      {507, "Insufficient Storage"},
  }};
  for (const auto& [code, text] : kTexts) {
    if (code == status) return text;
  }
  return "Status";
}

HttpError bad_field(const std::string& param, const std::string& message, const std::string& code) {
  return HttpError({.status = 400, .message = message, .code = code, .param = param});
}

ErrorBody describe(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kInvalidArgument:
      return {.status = 400, .message = error.what(), .code = "invalid_value"};
    case ErrorCode::kNotFound:
      return {.status = 404, .message = error.what(), .code = "not_found"};
    case ErrorCode::kBadData:
    case ErrorCode::kUnsupported:
      return {.status = 400, .message = error.what(), .code = "invalid_audio", .param = "file"};
    case ErrorCode::kNetwork:
      return {.status = 400, .message = error.what(), .code = "url_unreachable", .param = "url"};
    case ErrorCode::kCancelled:
      return {.status = 503, .message = "the work was cancelled", .code = "cancelled"};
    case ErrorCode::kResourceExhausted:
      return {.status = 507, .message = error.what(), .code = "insufficient_storage"};
    case ErrorCode::kDeadlineExceeded:
      return {.status = 503, .message = error.what(), .code = "timeout"};
    case ErrorCode::kIo:
    case ErrorCode::kInternal:
      break;
  }
  return {.status = 500, .message = "the server could not do this; its log says why", .code = "internal_error"};
}

ErrorBody describe(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const HttpError& http) {
    return http.body();
  } catch (const Error& own) {
    return describe(own);
  } catch (const std::bad_alloc&) {
    return {.status = 503, .message = "the server is out of memory; try again later", .code = "out_of_memory"};
  } catch (...) {
    return {.status = 500, .message = "the server could not do this; its log says why", .code = "internal_error"};
  }
}

}  // namespace amanuensis::server
