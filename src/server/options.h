// Everything about a server that its owner may choose, with the defaults. Plain values; the program fills them in from
// flags, environment and file.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "fleet/fleet.h"
#include "server/http/connection.h"
#include "server/http/http_server.h"
#include "server/log/log.h"
#include "server/models/model_pool.h"
#include "server/work/work_queue.h"
#include "storage/settings.h"

namespace amanuensis::server {

struct ServerOptions {
  std::string version;
  ListenOptions listen;
  HttpLimits http;
  std::filesystem::path data_dir;
  ModelPoolOptions models;
  WorkQueueOptions queue;

  std::chrono::seconds keep_jobs = std::chrono::hours(24 * 30);  // a job that is over is removed then; 0: never
  std::int64_t max_jobs_bytes = 0;                               // of all recordings that are kept; 0: no limit
  std::size_t max_upload_bytes = std::size_t{4} << 30;
  double max_audio_s = 0;  // 0: no limit
  std::size_t beam_size = 1;
  // One API key a line (auth/keys.h); empty: everybody may ask.
  std::filesystem::path key_file;
  std::string webhook_secret;
  // Jobs are a fleet's instead of this server's own; null: they are its own. Must outlive the server.
  fleet::Fleet* fleet = nullptr;
  // Where a fleet's recordings and results are.
  std::string fleet_store;
  storage::StorageSettings storage;
  // Addresses that are not public may be named as url.
  bool allow_private_urls = false;
  // SIGTERM: running work may take so long to finish.
  std::chrono::seconds drain{30};

  // Origins of other sites' pages that may use the server; "*" is all of them. Empty: none.
  std::vector<std::string> cors_origins;
  // Names by which clients may call the server (auth/hosts.h). They are checked where no keys are asked for, and where
  // some are given.
  std::vector<std::string> allowed_hosts;
  LogLevel log_level = LogLevel::kInfo;
  // Reads the settings again for a reload: the log level. Absent: it stays.
  std::function<LogLevel()> reload_log_level = nullptr;
};

}  // namespace amanuensis::server
