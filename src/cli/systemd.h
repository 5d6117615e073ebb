// What a service tells systemd about itself (sd_notify's protocol: a datagram to the socket it names). Keeps no state;
// any thread.
#pragma once

#include <string>
#include <string_view>

namespace amanuensis::cli {

// Sends "READY=1" and the like. Nothing happens when `socket` is empty: the program was not started by systemd.
// Failures are of no consequence.
void notify_systemd(const std::string& socket, std::string_view state);

}  // namespace amanuensis::cli
