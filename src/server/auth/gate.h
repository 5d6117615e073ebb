// Who may pass: API keys, the admin's endpoints, pages of other sites, names this server is called by. On the loop's
// thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/auth/hosts.h"
#include "server/auth/keys.h"
#include "server/http/message.h"
#include "server/http/router.h"

namespace amanuensis::server {

class Gate {
 public:
  // `origins`: of pages of other sites that may use this server; "*" is all.
  Gate(KeyRing keys, std::vector<std::string> origins, HostRules hosts = {})
      : keys_(std::move(keys)), origins_(std::move(origins)), hosts_(std::move(hosts)) {}

  KeyRing& keys() { return keys_; }
  // Fills in the caller. Throws HttpError 401, 403, 429.
  void admit(Request& request, const Route& route);
  // The request is over.
  void leave(const Request& request);
  // Adds what a browser asks for when a page of another site makes the request.
  void add_cors_headers(const Request& request, Response& response) const;

 private:
  bool allows_origin(std::string_view origin) const;

  KeyRing keys_;
  std::vector<std::string> origins_;
  HostRules hosts_;
};

}  // namespace amanuensis::server
