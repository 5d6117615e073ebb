#include "server/live/turns.h"

#include <utility>

namespace amanuensis::server {

void Turns::add(std::function<void()> work) {
  {
    const std::scoped_lock lock(mutex_);
    waiting_.push_back(std::move(work));
    if (std::exchange(running_, true)) return;
  }
  worker_.post([self = shared_from_this()] { self->run(); });
}

void Turns::clear() {
  const std::scoped_lock lock(mutex_);
  waiting_.clear();
}

std::size_t Turns::waiting() const {
  const std::scoped_lock lock(mutex_);
  return waiting_.size();
}

// One piece, then another turn: conversations share the threads.
void Turns::run() {
  std::function<void()> next;
  {
    const std::scoped_lock lock(mutex_);
    if (waiting_.empty()) {
      running_ = false;
      return;
    }
    next = std::move(waiting_.front());
    waiting_.pop_front();
  }
  next();
  worker_.post([self = shared_from_this()] { self->run(); });
}

}  // namespace amanuensis::server
