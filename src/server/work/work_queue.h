// Whose transcription runs: so many at once, the others wait in the order of their priority and arrival. Sits between
// the requests and the engines of the models in memory. Belongs to the loop's thread.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/models/model_pool.h"
#include "server/work/stats.h"
#include "server/work/work.h"

namespace amanuensis::server {

struct WorkQueueOptions {
  std::size_t max_running = 32;
  std::size_t capacity = 256;  // that may wait
  // Works that are over can be asked about (progress, events) for this long.
  std::chrono::seconds remember{600};
};

class WorkQueue {
 public:
  WorkQueue(Loop& loop, ModelPool& models, Stats& stats, WorkQueueOptions options);

  // Throws HttpError 429 when as many wait as may; `unlimited` is for what was accepted already.
  std::shared_ptr<Work> submit(WorkSpec spec, bool unlimited = false);
  // Throws HttpError 429 if submit() would, were there so many `more` that wait: before an upload is taken.
  void check_room(std::size_t more = 0) const;
  // Null when it is not known, or no longer.
  std::shared_ptr<Work> find(const std::string& id) const;

  std::size_t running() const { return running_.size(); }
  std::size_t waiting() const { return waiting_.size(); }
  const WorkQueueOptions& options() const { return options_; }
  // From 1; nothing when it does not wait.
  std::optional<std::size_t> position(const std::string& id) const;
  // A work that is over is not known any longer.
  void forget(const std::string& id);
  // What is being transcribed; for shutting down and for status.
  std::vector<std::shared_ptr<Work>> all_running() const;
  std::vector<std::shared_ptr<Work>> all_waiting() const;
  // Nothing more is started.
  void hold() { held_ = true; }

 private:
  void start_next();
  Task<void> run(std::shared_ptr<Work> work);
  void over(const std::string& id);
  int retry_after_s() const;

  Loop& loop_;
  ModelPool& models_;
  Stats& stats_;
  const WorkQueueOptions options_;
  bool held_ = false;
  std::deque<std::shared_ptr<Work>> waiting_;
  std::map<std::string, std::shared_ptr<Work>> running_;
  std::map<std::string, std::shared_ptr<Work>> known_;
  std::deque<std::pair<Clock::time_point, std::string>> over_;  // oldest first
  double mean_work_s_ = 5;                                      // of the last works, for Retry-After
};

}  // namespace amanuensis::server
