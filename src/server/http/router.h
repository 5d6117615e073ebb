// Which endpoint serves which address. The table is built once; looking things up is pure.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/message.h"

namespace amanuensis::server {

// Who may call an endpoint when API keys are in use.
enum class Access { kEverybody, kKey, kAdmin };

struct Route {
  std::string_view method;  // "GET" serves HEAD, too
  std::string_view path;    // "/v1/jobs/{id}/events"; a last part "{name...}" takes the rest of the path
  Access access = Access::kKey;
  std::function<Task<Response>(Request&)> handle = nullptr;
  // Bytes a body may have; 0: none is expected.
  std::size_t max_body_bytes = 0;
};

class Router {
 public:
  explicit Router(std::vector<Route> routes) : routes_(std::move(routes)) {}

  struct Match {
    const Route* route = nullptr;  // null: no such address, or no such method there
    std::map<std::string, std::string, std::less<>> values;
    std::string allowed;  // the methods that the address has, when it has any: "GET, HEAD, DELETE"
  };
  Match find(std::string_view method, std::string_view path) const;
  const std::vector<Route>& routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
};

}  // namespace amanuensis::server
