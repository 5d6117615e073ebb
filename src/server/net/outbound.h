// What the server fetches and sends on a client's behalf: recordings by address, and webhooks. Addresses that are not
// public are refused, when the connection is made and not before, so that a name cannot point elsewhere in between.
// Calls block; any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <stop_token>
#include <string>

#include "server/jobs/jobs.h"

namespace amanuensis::server {

struct OutboundOptions {
  bool allow_private = false;  // loopback, private and link-local addresses may be reached
  std::uint64_t max_bytes = std::uint64_t{4} << 30;
  std::string user_agent = "amanuensis";
  std::stop_token stop = {};  // ends what is under way
};

// The last part of an address's path, for people. Throws HttpError 400 naming the field for what is no http(s) address.
std::string check_url(const std::string& field, const std::string& url);

// Downloads a recording. Throws HttpError: 400 "url_refused", "url_unreachable", 413, 507.
Fetched fetch_recording(const OutboundOptions& options, const std::string& url, const std::filesystem::path& folder,
                        const std::string& stem);

// Sends a JSON text; the status, or 0 when there was none.
int post_json(const OutboundOptions& options, const std::string& url, const std::string& json,
              const std::map<std::string, std::string>& headers);

}  // namespace amanuensis::server
