// Whether an IP address is one that anybody on the Internet may be asked to talk to: what keeps an address that
// somebody else named from leading into this machine or its network. Pure functions.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <string_view>

namespace amanuensis {

// An IPv4 or IPv6 address as text; false for anything else.
bool is_public_address(std::string_view address);

// One as the system's calls have it; false for other families.
bool is_public_address(const sockaddr& address, std::size_t size_bytes);

}  // namespace amanuensis
