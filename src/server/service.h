// What the endpoints of one server share. Belongs to the loop's thread; the parts say which of their calls may be made
// from elsewhere. The server (server.h) makes it and outlives every request.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>

#include "server/auth/gate.h"
#include "server/http/http_server.h"
#include "server/http/loop.h"
#include "server/http/worker.h"
#include "server/jobs/jobs.h"
#include "server/live/conversations.h"
#include "server/log/log.h"
#include "server/metrics/metrics.h"
#include "server/models/model_pool.h"
#include "server/options.h"
#include "server/work/stats.h"
#include "server/work/work_queue.h"

namespace amanuensis::server {

struct Service {
  const ServerOptions& options;
  Loop& loop;
  Log& log;
  Worker& disk;  // for uploads
  ModelPool& models;
  Stats& stats;
  WorkQueue& queue;
  JobService& jobs;
  Gate& gate;
  Metrics& metrics;
  Worker& fetcher;  // for recordings named by address
  Worker& live;     // for passes of live conversations
  FetchFn fetch;
  std::function<ConnectionCounts()> connections;
  std::chrono::system_clock::time_point started;
  bool draining = false;
  Conversations conversations = {};

  std::filesystem::path upload_folder() const { return options.data_dir / "uploads"; }
};

}  // namespace amanuensis::server
