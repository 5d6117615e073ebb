#include "server/http/message.h"

#include <fmt/format.h>

#include <algorithm>

#include "server/http/http_error.h"

namespace amanuensis::server {
namespace {

std::optional<int> hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

HttpError bad_target(const std::string& why) {
  return HttpError({.status = 400, .message = fmt::format("the request's address {}", why), .code = "bad_address"});
}

}  // namespace

std::string_view Request::header(std::string_view lower_case_name) const {
  const auto found = headers.find(lower_case_name);
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

std::optional<std::string> Request::query_value(std::string_view name) const {
  const auto found = std::find_if(query.begin(), query.end(), [&](const auto& pair) { return pair.first == name; });
  if (found == query.end()) return std::nullopt;
  return found->second;
}

void Request::when_abandoned(std::function<void()> act) {
  if (abandoned && act) return act();
  on_abandon = std::move(act);
}

Response json_response(std::string json, int status) {
  return {.status = status, .headers = {{"content-type", "application/json"}}, .body = std::move(json)};
}

Response text_response(std::string text, std::string_view content_type) {
  return {.status = 200, .headers = {{"content-type", std::string(content_type)}}, .body = std::move(text)};
}

std::string url_decode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      decoded += ' ';
    } else if (text[i] != '%') {
      decoded += text[i];
    } else {
      const auto high = i + 2 < text.size() ? hex_value(text[i + 1]) : std::nullopt;
      const auto low = i + 2 < text.size() ? hex_value(text[i + 2]) : std::nullopt;
      if (!high || !low) throw bad_target("has a '%' that is not followed by two hexadecimal digits");
      decoded += static_cast<char>(*high * 16 + *low);
      i += 2;
    }
  }
  if (decoded.find('\0') != std::string::npos) throw bad_target("contains a zero byte");
  return decoded;
}

void parse_target(std::string_view target, Request& request) {
  if (const std::size_t scheme = target.find("://"); !target.starts_with('/') && scheme != std::string_view::npos) {
    const std::size_t slash = target.find('/', scheme + 3);
    target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
  }
  if (!target.starts_with('/') && target != "*") throw bad_target("does not begin with '/'");
  const std::size_t question = std::min(target.find('?'), target.size());
  request.path = url_decode(target.substr(0, question), /*plus_is_space=*/false);
  std::string_view rest = question < target.size() ? target.substr(question + 1) : std::string_view();
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view value = equals < pair.size() ? pair.substr(equals + 1) : std::string_view();
    request.query.emplace_back(url_decode(pair.substr(0, equals), true), url_decode(value, true));
  }
}

}  // namespace amanuensis::server
