// The names by which this server may be called (a request's Host). A page of a stranger can have its own name point to
// this machine (DNS rebinding); for the browser it is then a page of this very server, and only the name gives it away.
// Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace amanuensis::server {

struct HostRules {
  // Without it every name is good: where keys are asked for, a page of a stranger has none.
  bool checked = false;
  // Of the owner's choice: "stt.example.org", "*.example.org", or "*" for all. Besides them, always: addresses, which
  // nobody can point elsewhere, and names that the public DNS does not have (without a dot, .local, .internal, ...).
  std::vector<std::string> allowed = {};
};

// "Example.org.:9004" -> "example.org", "[::1]:9004" -> "::1".
std::string host_name(std::string_view host_field);

// An empty field is good: programs of old send none, browsers always do.
bool allows_host(const HostRules& rules, std::string_view host_field);

}  // namespace amanuensis::server
