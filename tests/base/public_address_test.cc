#include "base/public_address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstring>

namespace amanuensis {
namespace {

TEST(PublicAddress, IsToldFromOthers) {
  for (const char* address : {"8.8.8.8", "1.1.1.1", "172.15.0.1", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8"}) {
    EXPECT_TRUE(is_public_address(address)) << address;
  }
  for (const char* address : {"127.0.0.1",
                              "127.255.255.255",
                              "10.1.2.3",
                              "172.16.0.1",
                              "172.31.255.255",
                              "192.168.1.1",
                              "169.254.169.254",
                              "0.0.0.0",
                              "100.64.0.1",
                              "224.0.0.1",
                              "255.255.255.255",
                              "::1",
                              "::",
                              "fe80::1",
                              "fc00::1",
                              "fd12::1",
                              "::ffff:127.0.0.1",
                              "::ffff:10.0.0.1",
                              "64:ff9b::7f00:1",
                              "2002:7f00:1::",
                              "ff02::1",
                              "localhost",
                              "1"}) {
    EXPECT_FALSE(is_public_address(address)) << address;
  }
}

TEST(PublicAddress, AsTheSystemHasIt) {
  sockaddr_storage storage{};
  auto& address = reinterpret_cast<sockaddr&>(storage);
  const auto judged = [&](int family, const char* text, std::size_t size) {
    storage.ss_family = static_cast<sa_family_t>(family);
    void* place = family == AF_INET ? static_cast<void*>(&reinterpret_cast<sockaddr_in&>(storage).sin_addr)
                                    : static_cast<void*>(&reinterpret_cast<sockaddr_in6&>(storage).sin6_addr);
    EXPECT_EQ(inet_pton(family, text, place), 1);
    return is_public_address(address, size);
  };
  EXPECT_TRUE(judged(AF_INET, "8.8.8.8", sizeof(sockaddr_in)));
  EXPECT_FALSE(judged(AF_INET, "10.0.0.1", sizeof(sockaddr_in)));
  EXPECT_TRUE(judged(AF_INET6, "2606:4700::1111", sizeof(sockaddr_in6)));
  EXPECT_FALSE(judged(AF_INET6, "::1", sizeof(sockaddr_in6)));
  EXPECT_FALSE(judged(AF_INET6, "2606:4700::1111", sizeof(sockaddr_in))) << "cut off";
  storage.ss_family = AF_UNIX;
  EXPECT_FALSE(is_public_address(address, sizeof storage));
}

}  // namespace
}  // namespace amanuensis
