#include "decoding/scheduler.h"

#include <utility>

#include "base/error.h"

namespace amanuensis::decoding {

namespace {

std::exception_ptr cancelled() {
  return std::make_exception_ptr(Error(ErrorCode::kCancelled, "transcription was cancelled"));
}

void end_task(WindowTask& task, std::exception_ptr error) {
  WindowOutcome outcome;
  outcome.error = std::move(error);
  outcome.language = task.decoding.language;
  outcome.log_mel = std::move(task.log_mel);
  outcome.attachment = task.attachment;
  if (task.on_done) task.on_done(std::move(outcome));
}

}  // namespace

Scheduler::Scheduler(const DecodingContext& context, SchedulerOptions options)
    : options_(std::move(options)), queue_(options_.max_waiting), batch_(context, options_.batch) {}

Scheduler::~Scheduler() {
  for (const RequestId id : queue_.ids()) queue_.fail(id, cancelled());
  end_failed();
}

RequestId Scheduler::open(RequestOptions options) {
  const std::scoped_lock lock(mutex_);
  const RequestId id = queue_.open(std::move(options));
  counts_.requests = queue_.requests();
  work_.notify_all();  // its deadline may be the next
  return id;
}

bool Scheduler::submit(RequestId id, WindowTask& task, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  const auto is_over = [&] { return !queue_.is_open(id) || queue_.error_of(id) != nullptr; };
  const bool settled =
      room_.wait(lock, std::move(stop), [&] { return is_over() || task.goes_first || queue_.has_room(id); });
  if (!settled || is_over()) return false;
  queue_.push(id, std::move(task));
  work_.notify_all();
  return true;
}

Scheduler::Submitted Scheduler::try_submit(RequestId id, WindowTask& task) {
  const std::scoped_lock lock(mutex_);
  if (!queue_.is_open(id) || queue_.error_of(id) != nullptr) return Submitted::kEnded;
  if (!task.goes_first && !queue_.has_room(id)) {
    queue_.want_room(id);
    return Submitted::kNoRoom;
  }
  queue_.push(id, std::move(task));
  work_.notify_all();
  return Submitted::kYes;
}

void Scheduler::cancel(RequestId id) {
  const std::scoped_lock lock(mutex_);
  queue_.fail(id, cancelled());
  attention_ = true;
  work_.notify_all();
  room_.notify_all();
}

void Scheduler::close(RequestId id) {
  const std::scoped_lock lock(mutex_);
  queue_.close(id);
  counts_.requests = queue_.requests();
  room_.notify_all();
}

std::exception_ptr Scheduler::error_of(RequestId id) const {
  const std::scoped_lock lock(mutex_);
  return queue_.error_of(id);
}

bool Scheduler::step() {
  end_failed();
  admit();
  const bool has_work = !batch_.empty();
  if (has_work) {
    batch_.step();
    hand_out();
  }
  const std::scoped_lock lock(mutex_);
  if (has_work) ++counts_.steps;
  update_counts();
  return has_work;
}

// The lock must be held.
void Scheduler::update_counts() {
  counts_.waiting = queue_.waiting();
  counts_.requests = queue_.requests();
  counts_.running = batch_.running();
  counts_.windows_made = batch_.windows_made();
  counts_.sequences_made = batch_.sequences().made();
  counts_.sequences_lent = batch_.sequences().lent();
  counts_.times = batch_.times();
}

// Ends the windows of requests that were cancelled or are late.
void Scheduler::end_failed() {
  std::vector<std::pair<WindowTask, std::exception_ptr>> failed;
  std::vector<std::function<void()>> room;
  {
    const std::scoped_lock lock(mutex_);
    queue_.expire(options_.now());
    for (const RequestId id : queue_.ids()) {
      if (const std::exception_ptr error = queue_.error_of(id)) batch_.drop(id, error);
    }
    failed = queue_.take_failed();
    attention_ = false;
    room = queue_.take_room_calls();
    room_.notify_all();
  }
  for (auto& [task, error] : failed) end_task(task, error);
  for (const auto& call : room) call();
  hand_out();
}

void Scheduler::admit() {
  std::vector<std::function<void()>> room;
  {
    const std::scoped_lock lock(mutex_);
    std::size_t entered = 0;
    while (entered < options_.max_encoded_per_step) {
      auto next = queue_.pop([this](const WindowTask& task) { return batch_.accepts(task); });
      if (!next) break;
      // Charged at once: the choice of the next window must see it.
      queue_.charge(next->request, options_.encode_work);
      batch_.enter(std::move(*next));
      ++entered;
    }
    if (entered == 0) return;
    room = queue_.take_room_calls();
    room_.notify_all();
  }
  for (const auto& call : room) call();
}

void Scheduler::hand_out() {
  std::vector<BatchResult> results = batch_.take_results();
  {
    const std::scoped_lock lock(mutex_);
    for (const DecodingBatch::Work& work : batch_.take_work()) {
      queue_.charge(work.request, static_cast<double>(work.rows));
    }
    for (const DecodingBatch::Detected& detected : batch_.take_detected()) {
      queue_.set_language(detected.request, detected.language);
    }
    for (const BatchResult& result : results) {
      if (result.detects_for_request && result.outcome.error) queue_.forget_detection(result.request);
      queue_.finish(result.request);
    }
    update_counts();  // before anybody hears of the results
  }
  for (BatchResult& result : results) {
    if (result.task.on_done) result.task.on_done(std::move(result.outcome));
  }
}

void Scheduler::wait(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  const auto has_work = [this] { return attention_ || queue_.waiting() > 0 || !batch_.empty(); };
  while (!has_work() && !stop.stop_requested()) {
    const auto deadline = queue_.next_deadline();
    if (!deadline) {
      // Woken as well when a request with a deadline is opened.
      const std::size_t requests = queue_.requests();
      work_.wait(lock, stop, [&] { return has_work() || queue_.requests() != requests; });
    } else if (!work_.wait_until(lock, stop, *deadline, has_work)) {
      return;
    }
  }
}

void Scheduler::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (!step()) wait(stop);
  }
}

Scheduler::Counts Scheduler::counts() const {
  const std::scoped_lock lock(mutex_);
  return counts_;
}

}  // namespace amanuensis::decoding
