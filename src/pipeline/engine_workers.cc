#include "pipeline/engine_workers.h"

#include <algorithm>
#include <stop_token>
#include <utility>

namespace amanuensis::pipeline {

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
