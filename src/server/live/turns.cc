#include "server/live/turns.h"

#include <utility>

namespace amanuensis::server {

namespace {

constexpr std::size_t kMostTurns = 1000;
constexpr std::size_t kMostSoundBytes = 16u << 20;  // eight minutes at 16 kHz

}  // namespace

void Turns::add(std::function<void()> work) {
  {
    const std::scoped_lock lock(mutex_);
    waiting_.push_back({.work = std::move(work), .sound = {}, .take = nullptr});
  }
  start();
}

void Turns::add_sound(std::string sound, Take take) {
  {
    const std::scoped_lock lock(mutex_);
    sound_bytes_ += sound.size();
    if (!waiting_.empty() && !waiting_.back().work) {
      waiting_.back().sound += sound;
      return;
    }
    waiting_.push_back({.work = nullptr, .sound = std::move(sound), .take = std::move(take)});
  }
  start();
}

void Turns::start() {
  {
    const std::scoped_lock lock(mutex_);
    if (std::exchange(running_, true)) return;
  }
  worker_.post([self = shared_from_this()] { self->run(); });
}

void Turns::clear() {
  const std::scoped_lock lock(mutex_);
  waiting_.clear();
  sound_bytes_ = 0;
}

bool Turns::full() const {
  const std::scoped_lock lock(mutex_);
  return waiting_.size() > kMostTurns || sound_bytes_ > kMostSoundBytes;
}

// One piece, then another turn: conversations share the threads.
void Turns::run() {
  Turn next;
  {
    const std::scoped_lock lock(mutex_);
    if (waiting_.empty()) {
      running_ = false;
      return;
    }
    next = std::move(waiting_.front());
    waiting_.pop_front();
    sound_bytes_ -= next.sound.size();
  }
  if (next.work) {
    next.work();
  } else {
    next.take(next.sound);
  }
  worker_.post([self = shared_from_this()] { self->run(); });
}

}  // namespace amanuensis::server
