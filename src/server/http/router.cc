#include "server/http/router.h"

#include <algorithm>

namespace amanuensis::server {
namespace {

using Values = std::map<std::string, std::string, std::less<>>;

// Takes the part of a path up to the next '/', which goes with it.
std::string_view take_part(std::string_view& path) {
  const std::size_t end = std::min(path.find('/'), path.size());
  const std::string_view part = path.substr(0, end);
  path.remove_prefix(std::min(path.size(), end + 1));
  return part;
}

std::optional<Values> match_path(std::string_view pattern, std::string_view path) {
  if (!path.starts_with('/')) return std::nullopt;
  pattern.remove_prefix(1);
  path.remove_prefix(1);
  Values values;
  while (!pattern.empty()) {
    if (path.empty()) return std::nullopt;
    std::string_view name = take_part(pattern);
    if (name.starts_with('{') && name.ends_with("...}")) {
      values.emplace(name.substr(1, name.size() - 5), path);
      return values;
    }
    const bool ends_with_slash = path.ends_with('/') && path.find('/') == path.size() - 1;
    const std::string_view part = take_part(path);
    if (ends_with_slash) return std::nullopt;
    if (name.starts_with('{')) {
      if (part.empty()) return std::nullopt;
      values.emplace(name.substr(1, name.size() - 2), part);
    } else if (name != part) {
      return std::nullopt;
    }
  }
  if (!path.empty()) return std::nullopt;
  return values;
}

}  // namespace

Router::Match Router::find(std::string_view method, std::string_view path) const {
  Match match;
  for (const Route& route : routes_) {
    const auto values = match_path(route.path, path);
    if (!values) continue;
    const bool as_get = method == "HEAD" && route.method == "GET";
    if (match.route == nullptr && (route.method == method || as_get)) {
      match.route = &route;
      match.values = *values;
    }
    if (!match.allowed.empty()) match.allowed += ", ";
    match.allowed += route.method;
    if (route.method == "GET") match.allowed += ", HEAD";
  }
  return match;
}

}  // namespace amanuensis::server
