#include "decoding/window_queue.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace amanuensis::decoding {

RequestId WindowQueue::open(RequestOptions options) {
  if (!(options.weight > 0)) throw Error(ErrorCode::kInvalidArgument, "a request's weight must be more than 0");
  const RequestId id = next_id_++;
  Request& request = requests_[id];
  request.options = std::move(options);
  request.service = clock_;
  return id;
}

void WindowQueue::close(RequestId id) {
  const auto found = requests_.find(id);
  if (found == requests_.end()) return;
  found->second.closed = true;
  forget_if_over(found);
}

void WindowQueue::fail(RequestId id, std::exception_ptr error) {
  const auto found = requests_.find(id);
  if (found != requests_.end() && !found->second.error) found->second.error = std::move(error);
}

void WindowQueue::expire(SchedulerClock::time_point now) {
  for (auto& [id, request] : requests_) {
    if (request.error || !request.options.deadline || now < *request.options.deadline) continue;
    request.error = std::make_exception_ptr(
        Error(ErrorCode::kDeadlineExceeded, "the transcription was not finished by its deadline and was given up"));
  }
}

bool WindowQueue::has_room(RequestId id) const {
  const auto found = requests_.find(id);
  if (found == requests_.end()) return false;
  const std::size_t share = std::max<std::size_t>(1, capacity_ / std::max<std::size_t>(1, requests_.size()));
  return found->second.waiting.size() < share;
}

std::exception_ptr WindowQueue::error_of(RequestId id) const {
  const auto found = requests_.find(id);
  return found == requests_.end() ? nullptr : found->second.error;
}

bool WindowQueue::is_open(RequestId id) const {
  const auto found = requests_.find(id);
  return found != requests_.end() && !found->second.closed;
}

void WindowQueue::push(RequestId id, WindowTask task) {
  Request& request = requests_.at(id);
  // Time without a window to decode is not saved up.
  if (request.waiting.empty() && request.running == 0) request.service = std::max(request.service, clock_);
  if (task.goes_first) {
    request.waiting.push_front(std::move(task));
  } else {
    request.waiting.push_back(std::move(task));
  }
  ++waiting_;
}

bool WindowQueue::is_ready(const Request& request) const {
  if (request.waiting.empty() || request.error) return false;
  const WindowTask& next = request.waiting.front();
  const bool needs_language = next.decoding.language.empty() && !next.own_language;
  return !(needs_language && request.language.empty() && request.detecting);
}

std::optional<WindowQueue::Next> WindowQueue::pop(const std::function<bool(const WindowTask&)>& accept) {
  std::pair<const RequestId, Request>* best = nullptr;
  for (auto& entry : requests_) {
    const Request& request = entry.second;
    if (!is_ready(request)) continue;
    const bool better =
        best == nullptr || request.options.priority > best->second.options.priority ||
        (request.options.priority == best->second.options.priority && request.service < best->second.service);
    if (better) best = &entry;
  }
  if (best == nullptr || !accept(best->second.waiting.front())) return std::nullopt;

  Request& request = best->second;
  Next next{.request = best->first, .task = std::move(request.waiting.front())};
  request.waiting.pop_front();
  --waiting_;
  ++request.running;
  clock_ = std::max(clock_, request.service);
  if (next.task.decoding.language.empty()) {
    if (!next.task.own_language) next.task.decoding.language = request.language;
    next.detect = next.task.decoding.language.empty();
    if (next.detect && !next.task.own_language) request.detecting = true;
  }
  return next;
}

void WindowQueue::set_language(RequestId id, const std::string& language) {
  const auto found = requests_.find(id);
  if (found == requests_.end()) return;
  found->second.language = language;
  found->second.detecting = false;
}

void WindowQueue::forget_detection(RequestId id) {
  const auto found = requests_.find(id);
  if (found != requests_.end()) found->second.detecting = false;
}

void WindowQueue::charge(RequestId id, double work) {
  const auto found = requests_.find(id);
  if (found != requests_.end()) found->second.service += work / found->second.options.weight;
}

void WindowQueue::finish(RequestId id) {
  const auto found = requests_.find(id);
  if (found == requests_.end()) return;
  --found->second.running;
  forget_if_over(found);
}

void WindowQueue::forget_if_over(std::map<RequestId, Request>::iterator request) {
  const Request& r = request->second;
  if (r.closed && r.waiting.empty() && r.running == 0) requests_.erase(request);
}

std::vector<std::pair<WindowTask, std::exception_ptr>> WindowQueue::take_failed() {
  std::vector<std::pair<WindowTask, std::exception_ptr>> failed;
  for (auto entry = requests_.begin(); entry != requests_.end();) {
    const auto current = entry++;
    Request& request = current->second;
    if (!request.error || request.waiting.empty()) continue;
    for (WindowTask& task : request.waiting) failed.emplace_back(std::move(task), request.error);
    waiting_ -= request.waiting.size();
    request.waiting.clear();
    forget_if_over(current);
  }
  return failed;
}

void WindowQueue::want_room(RequestId id) {
  const auto found = requests_.find(id);
  if (found != requests_.end()) found->second.wants_room = true;
}

std::vector<std::function<void()>> WindowQueue::take_room_calls() {
  std::vector<std::function<void()>> calls;
  for (auto& [id, request] : requests_) {
    if (!request.wants_room || !(request.error || has_room(id))) continue;
    request.wants_room = false;
    if (request.options.on_room) calls.push_back(request.options.on_room);
  }
  return calls;
}

std::optional<SchedulerClock::time_point> WindowQueue::next_deadline() const {
  std::optional<SchedulerClock::time_point> next;
  for (const auto& [id, request] : requests_) {
    if (request.error || !request.options.deadline) continue;
    if (!next || *request.options.deadline < *next) next = request.options.deadline;
  }
  return next;
}

std::vector<RequestId> WindowQueue::ids() const {
  std::vector<RequestId> ids;
  for (const auto& [id, request] : requests_) ids.push_back(id);
  return ids;
}

}  // namespace amanuensis::decoding
