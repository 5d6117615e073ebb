#include "base/public_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>

namespace amanuensis {
namespace {

bool in_network(std::uint32_t address, std::uint32_t network, int bits) {
  return bits == 0 || (address >> (32 - bits)) == (network >> (32 - bits));
}

// RFC 6890 and its successors: everything that is not global unicast.
bool is_public_v4(std::uint32_t address) {
  constexpr std::array<std::pair<std::uint32_t, int>, 15> kReserved{{{0x00000000, 8},    // this network
                                                                     {0x0A000000, 8},    // private
                                                                     {0x64400000, 10},   // shared
                                                                     {0x7F000000, 8},    // loopback
                                                                     {0xA9FE0000, 16},   // link-local
                                                                     {0xAC100000, 12},   // private
                                                                     {0xC0000000, 24},   // protocol assignments
                                                                     {0xC0000200, 24},   // documentation
                                                                     {0xC0586300, 24},   // 6to4 relays
                                                                     {0xC0A80000, 16},   // private
                                                                     {0xC6120000, 15},   // benchmarks
                                                                     {0xC6336400, 24},   // documentation
                                                                     {0xCB007100, 24},   // documentation
                                                                     {0xE0000000, 4},    // multicast
                                                                     {0xF0000000, 4}}};  // reserved, broadcast
  return std::none_of(kReserved.begin(), kReserved.end(),
                      [&](const auto& network) { return in_network(address, network.first, network.second); });
}

bool is_public_v6(std::span<const std::uint8_t, 16> a) {
  const auto embedded = [&](std::size_t at) {
    return (std::uint32_t{a[at]} << 24) | (std::uint32_t{a[at + 1]} << 16) | (std::uint32_t{a[at + 2]} << 8) |
           a[at + 3];
  };
  const bool zero_prefix = std::all_of(a.begin(), a.begin() + 10, [](std::uint8_t byte) { return byte == 0; });
  if (zero_prefix && a[10] == 0xFF && a[11] == 0xFF) return is_public_v4(embedded(12));                 // mapped
  if (a[0] == 0x00 && a[1] == 0x64 && a[2] == 0xFF && a[3] == 0x9B) return is_public_v4(embedded(12));  // NAT64
  if (a[0] == 0x20 && a[1] == 0x02) return is_public_v4(embedded(2));                                   // 6to4
  if (a[0] == 0x20 && a[1] == 0x01 && a[2] == 0x00 && a[3] < 0x02) return false;                        // Teredo, ...
  if (a[0] == 0x20 && a[1] == 0x01 && a[2] == 0x0D && a[3] == 0xB8) return false;                       // documentation
  return (a[0] & 0xE0) == 0x20;  // global unicast, 2000::/3
}

}  // namespace

bool is_public_address(std::string_view text) {
  const std::string address(text);
  in_addr v4{};
  if (inet_pton(AF_INET, address.c_str(), &v4) == 1) return is_public_v4(ntohl(v4.s_addr));
  in6_addr v6{};
  if (inet_pton(AF_INET6, address.c_str(), &v6) != 1) return false;
  return is_public_v6(std::span<const std::uint8_t, 16>(v6.s6_addr));
}

bool is_public_address(const sockaddr& address, std::size_t size_bytes) {
  if (address.sa_family == AF_INET && size_bytes >= sizeof(sockaddr_in)) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof v4);
    return is_public_v4(ntohl(v4.sin_addr.s_addr));
  }
  if (address.sa_family == AF_INET6 && size_bytes >= sizeof(sockaddr_in6)) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address, sizeof v6);
    return is_public_v6(std::span<const std::uint8_t, 16>(v6.sin6_addr.s6_addr));
  }
  return false;
}

}  // namespace amanuensis
