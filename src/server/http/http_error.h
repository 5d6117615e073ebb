// A request that cannot be served, as its client is told: a status and OpenAI's error object
// ({"error": {"message", "type", "param", "code"}}). Thrown by endpoints, caught where a connection is served.
#pragma once

#include <exception>
#include <map>
#include <string>
#include <string_view>

#include "base/error.h"

namespace amanuensis::server {

struct ErrorBody {
  int status = 500;
  std::string message;
  std::string code = {};   // "model_not_found"; empty: null
  std::string param = {};  // the field that is wrong; empty: null
  std::map<std::string, std::string> headers = {};
};

class HttpError : public std::exception {
 public:
  explicit HttpError(ErrorBody body) : body_(std::move(body)) {}
  const char* what() const noexcept override { return body_.message.c_str(); }
  const ErrorBody& body() const noexcept { return body_; }

 private:
  ErrorBody body_;
};

// "invalid_request_error", "authentication_error", ...: what OpenAI calls errors of this status.
std::string_view error_type(int status);
// The error object as JSON.
std::string error_json(const ErrorBody& error);
// "Not Found"; "Status" for what is not known.
std::string_view status_text(int status);

// A field of the request that makes no sense: 400.
HttpError bad_field(const std::string& param, const std::string& message, const std::string& code = "invalid_value");

// What a failure of the program means to a client. Messages about this server's own defects are not told.
ErrorBody describe(const Error& error);
ErrorBody describe(const std::exception_ptr& error);

}  // namespace amanuensis::server
