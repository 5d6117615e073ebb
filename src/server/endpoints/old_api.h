// What the endpoints of the old server share.
#pragma once

#include <nlohmann/json.hpp>

#include "server/service.h"

namespace amanuensis::server {

inline constexpr const char* kNoDiarization = "this server cannot tell speakers apart";

nlohmann::ordered_json hardware_json(const Service& service);

}  // namespace amanuensis::server
