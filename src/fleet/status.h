// What workers tell everybody about themselves, about once a second, and what follows from it for the fleet. The
// messages are lost where nobody listens. Values and pure functions, but for FleetView.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "fleet/nats/connection.h"

namespace amanuensis::fleet {

class Fleet;

struct ActiveWork {
  std::string job;
  std::string name;  // of the recording
  std::string part;  // "range 3", "merging"; empty: all of it
  double audio_done_s = 0;
  double audio_total_s = 0;
};

struct WorkerStatus {
  std::string worker;
  std::string model;  // that it was started with
  std::string state;  // "working", "idle", "draining"
  std::int64_t at_ms = 0;
  double uptime_s = 0;
  std::size_t concurrency = 0;
  std::uint64_t jobs_done = 0;
  std::uint64_t jobs_failed = 0;  // given up for good
  std::uint64_t attempts_failed = 0;
  std::uint64_t given_back = 0;
  std::uint64_t ranges_done = 0;
  double audio_done_s = 0;  // transcribed since it was started, parts of what runs included
  double busy_s = 0;        // while there was something to do
  std::uint64_t reconnects = 0;
  std::vector<ActiveWork> active;
};

std::string status_json(const WorkerStatus& status);
// Throws Error{kBadData}.
WorkerStatus parse_status(std::string_view json);

// The workers that were heard of lately. Any thread.
class FleetView {
 public:
  explicit FleetView(Fleet& fleet);
  ~FleetView();
  FleetView(const FleetView&) = delete;
  FleetView& operator=(const FleetView&) = delete;

  // Those that told something in the last seconds, by name.
  std::vector<WorkerStatus> workers() const;
  // How many seconds of audio they transcribe in a second, over the last `span`; 0 before that can be told.
  double realtime_factor(std::chrono::seconds span = std::chrono::seconds(30)) const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Mark {
    Clock::time_point when;
    double audio_done_s;
  };
  struct Heard {
    WorkerStatus status;
    std::deque<Mark> marks;
  };
  void hear(std::string_view data);

  mutable std::mutex mutex_;
  std::map<std::string, Heard> heard_;
  std::unique_ptr<Subscription> subscription_;
};

}  // namespace amanuensis::fleet
