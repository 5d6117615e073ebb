#include "server/auth/hosts.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace amanuensis::server {
namespace {

// Top-level names that are reserved for private use, or in use for it and not delegated (RFC 6761, 6762, 8375; ICANN).
constexpr std::array<std::string_view, 6> kPrivateEndings{".localhost", ".local",     ".internal",
                                                          ".lan",       ".home.arpa", ".test"};

bool is_address(const std::string& name) {
  in6_addr ignored{};
  return inet_pton(AF_INET, name.c_str(), &ignored) == 1 || inet_pton(AF_INET6, name.c_str(), &ignored) == 1;
}

bool is_private_name(std::string_view name) {
  return name.find('.') == std::string_view::npos ||
         std::any_of(kPrivateEndings.begin(), kPrivateEndings.end(),
                     [&](std::string_view ending) { return name.ends_with(ending); });
}

bool matches(std::string_view given, std::string_view name) {
  const std::string pattern = host_name(given);
  if (pattern.starts_with("*.")) return name.ends_with(std::string_view(pattern).substr(1));
  return pattern == "*" || pattern == name;
}

}  // namespace

std::string host_name(std::string_view host_field) {
  std::string_view name = host_field;
  if (name.starts_with('[')) {
    name = name.substr(1, name.find(']') - 1);
  } else if (std::count(name.begin(), name.end(), ':') == 1) {  // more than one: a bare IPv6 address
    name = name.substr(0, name.find(':'));
  }
  if (name.ends_with('.')) name.remove_suffix(1);
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower;
}

bool allows_host(const HostRules& rules, std::string_view host_field) {
  if (!rules.checked || host_field.empty()) return true;
  const std::string name = host_name(host_field);
  if (name.empty()) return false;
  return is_address(name) || is_private_name(name) ||
         std::any_of(rules.allowed.begin(), rules.allowed.end(),
                     [&](const std::string& pattern) { return matches(pattern, name); });
}

}  // namespace amanuensis::server
