#include "server/work/work_queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "server/http/http_error.h"

namespace amanuensis::server {

WorkQueue::WorkQueue(Loop& loop, ModelPool& models, Stats& stats, WorkQueueOptions options)
    : loop_(loop), models_(models), stats_(stats), options_(options) {}

int WorkQueue::retry_after_s() const {
  const double rounds = static_cast<double>(waiting_.size() + running_.size()) /
                        static_cast<double>(std::max<std::size_t>(1, options_.max_running));
  return static_cast<int>(std::clamp(std::ceil(rounds * mean_work_s_), 1.0, 300.0));
}

void WorkQueue::check_room(std::size_t more) const {
  if (waiting_.size() + more < options_.capacity || (options_.capacity == 0 && running_.size() < options_.max_running))
    return;
  throw HttpError({.status = 429,
                   .message = fmt::format("{} recordings are waiting already; try again later", waiting_.size() + more),
                   .code = "server_busy",
                   .headers = {{"retry-after", std::to_string(retry_after_s())}}});
}

std::shared_ptr<Work> WorkQueue::submit(WorkSpec spec, bool unlimited) {
  if (spec.diarize) spec.diarizer = models_.host().diarizer();
  if (!unlimited) check_room();
  auto work = std::make_shared<Work>(loop_, std::move(spec));
  known_[work->id()] = work;
  work->on_cancel_waiting = [this](Work& cancelled) {
    std::erase_if(waiting_, [&](const auto& each) { return each.get() == &cancelled; });
    over(cancelled.id());
  };
  const auto place = std::find_if(waiting_.begin(), waiting_.end(),
                                  [&](const auto& each) { return each->spec().priority < work->spec().priority; });
  waiting_.insert(place, work);
  start_next();
  return work;
}

std::shared_ptr<Work> WorkQueue::find(const std::string& id) const {
  const auto found = known_.find(id);
  return found == known_.end() ? nullptr : found->second;
}

void WorkQueue::start_next() {
  while (!held_ && !waiting_.empty() && running_.size() < options_.max_running) {
    const std::shared_ptr<Work> work = waiting_.front();
    waiting_.pop_front();
    running_.emplace(work->id(), work);
    stats_.begin_work();
    work->mark_running();
    spawn(run(work), [this, work](const std::exception_ptr& error) {
      if (error) work->fail(error);
      running_.erase(work->id());
      stats_.end_work();
      mean_work_s_ = 0.8 * mean_work_s_ + 0.2 * work->processing_s();
      over(work->id());
      // Not from within the work that has just ended.
      loop_.post([this] { start_next(); });
    });
  }
}

Task<void> WorkQueue::run(std::shared_ptr<Work> work) {
  const ModelLease lease = co_await models_.acquire_for_client(work->spec().model);
  Async<bool> ended([&](const Async<bool>::Resolve& resolve) {
    work->begin(
        lease.model(), [this](double audio_s) { stats_.add_audio(audio_s); }, [resolve] { resolve(true); });
  });
  co_await ended;
}

void WorkQueue::over(const std::string& id) {
  const Clock::time_point now = Clock::now();
  over_.emplace_back(now, id);
  while (!over_.empty() && now - over_.front().first > options_.remember) {
    known_.erase(over_.front().second);
    over_.pop_front();
  }
}

std::optional<std::size_t> WorkQueue::position(const std::string& id) const {
  for (std::size_t i = 0; i < waiting_.size(); ++i) {
    if (waiting_[i]->id() == id) return i + 1;
  }
  return std::nullopt;
}

void WorkQueue::forget(const std::string& id) {
  const auto found = known_.find(id);
  if (found != known_.end() && found->second->over()) known_.erase(found);
}

std::vector<std::shared_ptr<Work>> WorkQueue::all_running() const {
  std::vector<std::shared_ptr<Work>> works;
  for (const auto& [id, work] : running_) works.push_back(work);
  return works;
}

std::vector<std::shared_ptr<Work>> WorkQueue::all_waiting() const { return {waiting_.begin(), waiting_.end()}; }

}  // namespace amanuensis::server
