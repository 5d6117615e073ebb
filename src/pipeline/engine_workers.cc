#include "pipeline/engine_workers.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <stop_token>
#include <utility>

namespace amanuensis::pipeline {
namespace {

// Where there is no core to spare, a worker that takes one from the backend makes its other threads wait as well: each
// kernel is done when its last thread is. The little that workers have to do fits into the backend's pauses and the
// share that the system leaves them. Linux gives each thread a nice value of its own; only speed depends on it.
void give_way() {
  constexpr int kNice = 10;
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice);
}

}  // namespace

EngineWorkers::EngineWorkers(std::size_t threads) {
  for (std::size_t i = 0; i < std::max<std::size_t>(1, threads); ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  }
}

EngineWorkers::~EngineWorkers() { stop(); }

void EngineWorkers::post(std::function<void()> job) {
  const std::scoped_lock lock(mutex_);
  jobs_.push_back(std::move(job));
  posted_.notify_one();
}

void EngineWorkers::stop() {
  for (std::jthread& thread : threads_) thread.request_stop();
  threads_.clear();
  const std::scoped_lock lock(mutex_);
  jobs_.clear();
}

void EngineWorkers::work(const std::stop_token& stop) {
  give_way();
  while (true) {
    std::function<void()> job;
    {
      std::unique_lock lock(mutex_);
      if (!posted_.wait(lock, stop, [this] { return !jobs_.empty(); }) || stop.stop_requested()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job();
  }
}

}  // namespace amanuensis::pipeline
