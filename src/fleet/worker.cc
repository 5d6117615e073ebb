#include "fleet/worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <system_error>

#include "base/error.h"
#include "fleet/job_task.h"

namespace amanuensis::fleet {
namespace {

using Clock = std::chrono::steady_clock;
using Outcome = TaskResult::Outcome;

constexpr std::chrono::milliseconds kShortestRest{20};
// What is given back with a delay, or whose worker was lost, is told by nobody.
constexpr std::chrono::milliseconds kLongestRest{1000};
constexpr std::chrono::milliseconds kWithoutServer{1000};
constexpr std::chrono::milliseconds kTellEvery{1000};
// Acknowledging is tried so often; then the message comes again, and is found to be done.
constexpr int kAckTries = 20;

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

// A piece of work and the thread that does it.
struct Worker::Active {
  std::unique_ptr<Delivery> delivery;
  WorkItem item;
  std::stop_source stop;
  ActiveWork shown;  // guarded by the worker's mutex
  std::atomic<bool> over{false};
  std::jthread thread;
};

Worker::Worker(Fleet& fleet, EngineHost& engines, WorkerOptions options, std::function<void(const WorkerEvent&)> log)
    : fleet_(fleet), engines_(engines), options_(std::move(options)), log_(std::move(log)), stores_(options_.storage) {
  std::error_code problem;
  std::filesystem::create_directories(options_.work_folder, problem);
  if (problem) {
    throw Error(ErrorCode::kIo, fmt::format("'{}' cannot be made a folder: {}; choose another with --work-dir",
                                            options_.work_folder.string(), problem.message()));
  }
}

Worker::~Worker() = default;

void Worker::log(bool is_problem, std::string what, std::vector<std::pair<std::string, std::string>> facts) {
  log_({.is_problem = is_problem, .what = std::move(what), .facts = std::move(facts)});
}

void Worker::run(const std::stop_token& stop) {
  const auto cancelling = fleet_.connection().subscribe(
      fleet_.subject("cancel"),
      [this](const std::string&, std::string_view job) { cancelled_by_somebody(std::string(job)); });
  const auto waking =
      fleet_.connection().subscribe(fleet_.subject("wake"), [this](const std::string&, std::string_view) { wake(); });
  const std::jthread beating([this](const std::stop_token& ended) { beat(ended); });
  bool was_away = false;
  while (!stop.stop_requested()) {
    reap();
    try {
      const bool found = take_work();
      if (std::exchange(was_away, false)) log(false, "NATS is back", {});
      // Many are woken by one job, again and again while somebody submits many.
      if (!found) std::this_thread::sleep_for(kShortestRest);
    } catch (const Error& error) {
      if (!std::exchange(was_away, true)) log(true, "NATS cannot be reached", {{"what", error.what()}});
    }
    rest(stop, was_away ? kWithoutServer : kLongestRest);
  }
  drain();
}

// All that there is room for; whether there was something.
bool Worker::take_work() {
  std::size_t room = 0;
  {
    const std::scoped_lock lock(mutex_);
    woken_ = false;
    room = options_.concurrency - std::min(options_.concurrency, active_.size());
  }
  bool found = room == 0;
  for (const Priority priority : kPriorities) {
    if (room == 0) break;
    for (auto& delivery : fleet_.work().take(priority, room)) {
      start(std::move(delivery));
      --room;
      found = true;
    }
  }
  return found;
}

void Worker::rest(const std::stop_token& stop, std::chrono::milliseconds at_most) {
  std::unique_lock lock(mutex_);
  awake_.wait_for(lock, stop, at_most, [this] { return woken_; });
}

void Worker::wake() {
  const std::scoped_lock lock(mutex_);
  woken_ = true;
  awake_.notify_one();
}

void Worker::start(std::unique_ptr<Delivery> delivery) {
  auto active = std::make_shared<Active>();
  active->delivery = std::move(delivery);
  try {
    active->item = parse_work(active->delivery->data());
  } catch (const Error& error) {
    log(true, "message dropped", {{"what", error.what()}});
    active->delivery->ack();
    return;
  }
  active->shown.job = active->item.job;
  active->shown.name = active->item.job;
  {
    const std::scoped_lock lock(mutex_);
    if (active_.empty()) busy_since_ = Clock::now();
    active_.push_back(active);
  }
  active->thread = std::jthread([this, raw = active.get()] {
    work_on(*raw);
    raw->over = true;
    wake();
  });
}

void Worker::work_on(Active& active) {
  const TaskContext context{.fleet = fleet_,
                            .engines = engines_,
                            .stores = stores_,
                            .options = options_,
                            .on_progress =
                                [this, &active](double done_s, double total_s) {
                                  const std::scoped_lock lock(mutex_);
                                  counts_.audio_done_s += std::max(0.0, done_s - active.shown.audio_done_s);
                                  active.shown.audio_done_s = std::max(active.shown.audio_done_s, done_s);
                                  active.shown.audio_total_s = total_s;
                                },
                            .on_named =
                                [this, &active](const std::string& name, const std::string& part) {
                                  const std::scoped_lock lock(mutex_);
                                  active.shown.name = name;
                                  active.shown.part = part;
                                }};
  const Clock::time_point begun = Clock::now();
  JobTask task(context, active.item, active.delivery->delivered());
  const TaskResult result = task.run(active.stop.get_token());
  const bool comes_again = result.outcome == Outcome::kAgain || result.outcome == Outcome::kGivenBack;
  if (comes_again) {
    active.delivery->give_back(result.delay);
    if (result.delay.count() == 0) fleet_.tell_of_work();
  } else {
    for (int tries = 1; tries <= kAckTries; ++tries) {
      try {
        active.delivery->ack();
        break;
      } catch (const Error&) {
        std::this_thread::sleep_for(kShortestRest * tries);
      }
    }
  }
  std::vector<std::pair<std::string, std::string>> facts{
      {"job", active.item.job}, {"seconds", fmt::format("{:.2f}", seconds_between(begun, Clock::now()))}};
  if (result.audio_s > 0) facts.emplace_back("audio", fmt::format("{:.1f}", result.audio_s));
  const std::scoped_lock lock(mutex_);
  facts.emplace_back("name", active.shown.name);
  if (!active.shown.part.empty()) facts.emplace_back("part", active.shown.part);
  if (!result.reason.empty()) facts.emplace_back("what", result.reason);
  switch (result.outcome) {
    case Outcome::kDone:
      ++(active.item.kind == WorkItem::Kind::kRange ? counts_.ranges_done : counts_.jobs_done);
      log(false, active.item.kind == WorkItem::Kind::kRange ? "range done" : "job done", std::move(facts));
      break;
    case Outcome::kPlanned:
      log(false, "cut into ranges", std::move(facts));
      break;
    case Outcome::kDropped:
      log(false, "not wanted any more", std::move(facts));
      break;
    case Outcome::kBuried:
      ++counts_.jobs_failed;
      log(true, "job failed", std::move(facts));
      break;
    case Outcome::kAgain:
      ++counts_.attempts_failed;
      log(true, "attempt failed", std::move(facts));
      break;
    case Outcome::kGivenBack:
      ++counts_.given_back;
      log(false, "given back", std::move(facts));
      break;
  }
}

void Worker::reap() {
  std::list<std::shared_ptr<Active>> ended;  // their threads are joined without the lock, which they may want
  const std::scoped_lock lock(mutex_);
  for (auto each = active_.begin(); each != active_.end();) {
    const auto next = std::next(each);
    if ((*each)->over) ended.splice(ended.end(), active_, each);
    each = next;
  }
  if (!ended.empty() && active_.empty()) counts_.busy_s += seconds_between(busy_since_, Clock::now());
}

void Worker::cancelled_by_somebody(const std::string& job) {
  const std::scoped_lock lock(mutex_);
  for (const auto& active : active_) {
    if (active->item.job == job) active->stop.request_stop();
  }
}

// Says that the work goes on, so that nobody else begins it, and how far it is.
void Worker::beat(const std::stop_token& stop) {
  const auto beat_every = fleet_.settings().ack_wait / 4;
  Clock::time_point next_beat = Clock::now() + beat_every;
  std::mutex resting;
  std::condition_variable_any awake;
  while (!stop.stop_requested()) {
    if (Clock::now() >= next_beat) {
      next_beat = Clock::now() + beat_every;
      std::vector<std::shared_ptr<Active>> present;
      {
        const std::scoped_lock lock(mutex_);
        present.assign(active_.begin(), active_.end());
      }
      for (const auto& active : present) {
        if (!active->over) active->delivery->in_progress();
      }
    }
    try {
      fleet_.connection().publish(fleet_.subject("worker." + options_.name), status_json(status()));
    } catch (const Error&) {
      // There is no server now; the next message tells as much as this one would have.
    }
    std::unique_lock lock(resting);
    awake.wait_for(lock, stop, std::min<std::chrono::milliseconds>(kTellEvery, beat_every), [] { return false; });
  }
}

void Worker::drain() {
  draining_ = true;
  const Clock::time_point give_up = Clock::now() + options_.drain;
  const auto left = [this] {
    reap();
    const std::scoped_lock lock(mutex_);
    return active_.size();
  };
  log(false, "draining", {{"running", std::to_string(left())}});
  while (left() > 0) {
    if (Clock::now() >= give_up) {
      const std::scoped_lock lock(mutex_);
      for (const auto& active : active_) active->stop.request_stop();
    }
    std::this_thread::sleep_for(kShortestRest);
  }
  try {
    fleet_.connection().flush();  // what was given back is to be known before this process ends
  } catch (const Error& error) {
    log(true, "NATS cannot be reached", {{"what", error.what()}});
  }
}

WorkerStatus Worker::status() const {
  const std::scoped_lock lock(mutex_);
  WorkerStatus status = counts_;
  status.worker = options_.name;
  status.model = options_.model;
  status.state = draining_ ? "draining" : active_.empty() ? "idle" : "working";
  status.at_ms = unix_ms();
  status.uptime_s = seconds_between(started_, Clock::now());
  status.concurrency = options_.concurrency;
  if (!active_.empty()) status.busy_s += seconds_between(busy_since_, Clock::now());
  status.reconnects = fleet_.connection().reconnects();
  for (const auto& active : active_) status.active.push_back(active->shown);
  return status;
}

}  // namespace amanuensis::fleet
