// A worker: takes work from the fleet's queue, as much at once as it was told, and feeds it to the continuous batch of
// its engines. It holds nothing that cannot be had again: whatever it was doing when it ends without a word is begun
// again by another. run() belongs to one thread, status() may be called from any.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fleet/engine_host.h"
#include "fleet/fleet.h"
#include "fleet/recording.h"
#include "fleet/status.h"
#include "storage/settings.h"

namespace amanuensis::fleet {

struct WorkerOptions {
  std::string name;   // unique in the fleet; letters, digits, '-', '_'
  std::string model;  // for people: what it was started with
  std::size_t concurrency = 4;
  std::filesystem::path work_folder;  // for recordings that are fetched
  // After the request to stop: what runs may take so long; then it is given back.
  std::chrono::milliseconds drain{30'000};
  // Recordings longer than this are cut into ranges that several workers may transcribe; 0: never.
  double cut_above_s = 1200;
  // Windows of the model in a range.
  std::size_t range_windows = 16;
  storage::StorageSettings storage;
};

// Something that a log should hold.
struct WorkerEvent {
  bool is_problem = false;
  std::string what;  // "job done"
  std::vector<std::pair<std::string, std::string>> facts;
};

class Worker {
 public:
  // All of them must outlive the worker.
  Worker(Fleet& fleet, EngineHost& engines, WorkerOptions options, std::function<void(const WorkerEvent&)> log);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Works until `stop` is requested, then ends or gives back what it has. Returns when all is done.
  void run(const std::stop_token& stop);

  WorkerStatus status() const;

 private:
  struct Active;

  bool take_work();
  void rest(const std::stop_token& stop, std::chrono::milliseconds at_most);
  void wake();
  void start(std::unique_ptr<Delivery> delivery);
  void reap();
  void beat(const std::stop_token& stop);
  void drain();
  void cancelled_by_somebody(const std::string& job);
  void work_on(Active& active);
  void log(bool is_problem, std::string what, std::vector<std::pair<std::string, std::string>> facts);

  Fleet& fleet_;
  EngineHost& engines_;
  const WorkerOptions options_;
  const std::function<void(const WorkerEvent&)> log_;
  Stores stores_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::atomic<bool> draining_{false};

  mutable std::mutex mutex_;  // guards what follows
  std::list<std::shared_ptr<Active>> active_;
  WorkerStatus counts_;
  std::chrono::steady_clock::time_point busy_since_;
  bool woken_ = false;  // there may be work, or room for it
  std::condition_variable_any awake_;
};

}  // namespace amanuensis::fleet
