// Everything about a server that its owner may choose, with the defaults. Plain values; the program fills them in from
// flags, environment and file.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "server/http/connection.h"
#include "server/http/http_server.h"
#include "server/log/log.h"
#include "server/models/model_pool.h"
#include "server/work/work_queue.h"

namespace amanuensis::server {

struct ServerOptions {
  std::string version;
  ListenOptions listen;
  HttpLimits http;
  std::filesystem::path data_dir;
  ModelPoolOptions models;
  WorkQueueOptions queue;

  std::size_t max_upload_bytes = std::size_t{4} << 30;
  double max_audio_s = 0;  // 0: no limit
  std::size_t beam_size = 1;
  // SIGTERM: running work may take so long to finish.
  std::chrono::seconds drain{30};

  // Origins of other sites' pages that may use the server; "*" is all of them. Empty: none.
  std::vector<std::string> cors_origins;
  LogLevel log_level = LogLevel::kInfo;
};

}  // namespace amanuensis::server
