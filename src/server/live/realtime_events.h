// The JSON of OpenAI's Realtime protocol: client's settings in, server's events out. Pure functions.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "server/live/realtime_session.h"

namespace amanuensis::server {

// A server event with an id of its own.
std::string realtime_event(const char* type, const nlohmann::ordered_json& fields);

// The session object, in the protocol's present form or its first (`beta`).
nlohmann::ordered_json session_json(const RealtimeSettings& settings, const std::string& id, bool beta);

// Applies a session object of either form. Throws HttpError 400 naming the field.
void apply_session(const nlohmann::ordered_json& session, bool beta, RealtimeSettings& settings);

// Standard base64 (RFC 4648). Throws HttpError 400 for what is none.
std::string decode_base64(const std::string& text);

}  // namespace amanuensis::server
