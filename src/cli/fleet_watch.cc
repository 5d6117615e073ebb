#include "cli/fleet_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "base/error.h"
#include "cli/progress_text.h"
#include "fleet/status.h"

namespace amanuensis::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kRedrawEvery{200};
// Where there is no terminal.
constexpr std::chrono::seconds kLineEvery{10};

struct Totals {
  std::array<std::size_t, 5> count{};
  double audio_s = 0;  // of jobs whose length is known
  double done_s = 0;
  std::size_t unknown = 0;  // open jobs whose length is not known

  std::size_t all() const { return count[0] + count[1] + count[2] + count[3] + count[4]; }
  std::size_t of(fleet::JobStatus status) const { return count[static_cast<std::size_t>(status)]; }
  std::size_t open() const { return of(fleet::JobStatus::kQueued) + of(fleet::JobStatus::kRunning); }
};

// The watched jobs, kept up to date by the table's watch on its own thread.
class Watched {
 public:
  Watched(fleet::Fleet& fleet, const std::vector<std::string>& ids)
      : only_(ids.begin(), ids.end()),
        watch_(fleet.table().watch([this](const fleet::Table::Change& change) { take(change); },
                                   [this] { complete(); })) {}

  bool is_complete() const {
    const std::scoped_lock lock(mutex_);
    return complete_;
  }

  // `partly` is what workers say of jobs that run.
  Totals totals(const std::map<std::string, double>& partly) const {
    const std::scoped_lock lock(mutex_);
    Totals totals;
    for (const auto& [id, job] : jobs_) {
      ++totals.count[static_cast<std::size_t>(job.status)];
      if (job.status == fleet::JobStatus::kCancelled || job.status == fleet::JobStatus::kFailed) continue;
      totals.audio_s += job.audio_s;
      if (job.status == fleet::JobStatus::kDone) {
        totals.done_s += job.audio_s;
        continue;
      }
      if (job.audio_s == 0) ++totals.unknown;
      const auto found = partly.find(id);
      const double running_s =
          (job.ranges ? job.ranges->audio_done_s : 0) + (found == partly.end() ? 0 : found->second);
      totals.done_s += std::min(job.audio_s, running_s);
    }
    return totals;
  }

  std::vector<fleet::Job> take_failed() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(failed_, {});
  }

 private:
  void take(const fleet::Table::Change& change) {
    if (!only_.empty() && !only_.contains(change.key)) return;
    const std::scoped_lock lock(mutex_);
    if (!change.value) {
      jobs_.erase(change.key);
      return;
    }
    fleet::Job job;
    try {
      job = fleet::parse_job(*change.value);
    } catch (const Error&) {
      return;  // of another version
    }
    const auto known = jobs_.find(change.key);
    const bool was_failed = known != jobs_.end() && known->second.status == fleet::JobStatus::kFailed;
    if (job.status == fleet::JobStatus::kFailed && !was_failed) failed_.push_back(job);
    jobs_[change.key] = std::move(job);
  }
  void complete() {
    const std::scoped_lock lock(mutex_);
    complete_ = true;
  }

  const std::set<std::string> only_;
  mutable std::mutex mutex_;
  bool complete_ = false;
  std::map<std::string, fleet::Job> jobs_;
  std::vector<fleet::Job> failed_;
  std::unique_ptr<fleet::Table::Watch> watch_;  // last: its thread uses the rest
};

std::map<std::string, double> parts_done(const std::vector<fleet::WorkerStatus>& workers) {
  std::map<std::string, double> done;
  for (const fleet::WorkerStatus& worker : workers) {
    for (const fleet::ActiveWork& work : worker.active) done[work.job] += work.audio_done_s;
  }
  return done;
}

struct Facts {
  Totals totals;
  std::size_t workers = 0;
  double realtime = 0;
};

std::string facts_text(const Facts& facts) {
  const Totals& totals = facts.totals;
  std::string text = fmt::format("{}/{} jobs, {} running", totals.all() - totals.open(), totals.all(),
                                 totals.of(fleet::JobStatus::kRunning));
  if (totals.of(fleet::JobStatus::kFailed) > 0) {
    text += fmt::format(", {} failed", totals.of(fleet::JobStatus::kFailed));
  }
  text += fmt::format("  {} workers", facts.workers);
  if (facts.realtime <= 0) return text;
  text += fmt::format("  {:.1f}x realtime", facts.realtime);
  const double left_s = (totals.audio_s - totals.done_s) / facts.realtime;
  return text + fmt::format("  {}{} left", totals.unknown > 0 ? "more than " : "", clock_text(left_s));
}

double fraction_of(const Totals& totals) {
  if (totals.all() == 0) return 1;
  const double by_count = static_cast<double>(totals.all() - totals.open()) / static_cast<double>(totals.all());
  return totals.audio_s > 0 && totals.unknown == 0 ? totals.done_s / totals.audio_s : by_count;
}

}  // namespace

std::size_t watch_jobs(Context& context, fleet::Fleet& fleet, const std::vector<std::string>& ids) {
  const fleet::FleetView view(fleet);
  Watched watched(fleet, ids);
  std::mutex resting;
  std::condition_variable_any awake;
  Clock::time_point next_line = Clock::now() + kLineEvery;
  Facts facts;
  while (true) {
    const std::vector<fleet::WorkerStatus> workers = view.workers();
    facts = {
        .totals = watched.totals(parts_done(workers)), .workers = workers.size(), .realtime = view.realtime_factor()};
    for (const fleet::Job& job : watched.take_failed()) {
      context.terminal.clear_status();
      context.terminal.message(fmt::format("failed: {}: {}", job.name, fleet::error_message(job)));
    }
    const bool seen_all = watched.is_complete() && facts.totals.all() >= ids.size();
    if (seen_all && facts.totals.open() == 0) break;
    const std::string text = facts_text(facts);
    if (seen_all) {
      context.terminal.status([&](std::size_t columns) {
        return bar_text({.label = "fleet", .fraction = fraction_of(facts.totals), .facts = text}, columns);
      });
    }
    if (!context.terminal.error_is_terminal() && Clock::now() >= next_line) {
      next_line = Clock::now() + kLineEvery;
      context.terminal.message(text);
    }
    std::unique_lock lock(resting);
    awake.wait_for(lock, context.stop, kRedrawEvery, [] { return false; });
    if (context.stop.stop_requested()) throw Error(ErrorCode::kCancelled, "interrupted");
  }
  context.terminal.clear_status();
  context.terminal.message(fmt::format("{} done, {} failed, {} cancelled; {} of audio",
                                       facts.totals.of(fleet::JobStatus::kDone),
                                       facts.totals.of(fleet::JobStatus::kFailed),
                                       facts.totals.of(fleet::JobStatus::kCancelled), clock_text(facts.totals.done_s)));
  return facts.totals.of(fleet::JobStatus::kFailed) + facts.totals.of(fleet::JobStatus::kCancelled);
}

}  // namespace amanuensis::cli
