// A queue of things that happen, with one reader that waits for them. Belongs to the loop's thread.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "server/http/loop.h"
#include "server/http/task.h"

namespace amanuensis::server {

template <typename T>
class Channel {
 public:
  enum class Wake { kItem, kClosed, kTimeout };

  explicit Channel(Loop& loop) : loop_(loop) {}

  void push(T item) {
    if (closed_) return;
    items_.push_back(std::move(item));
    wake();
  }
  // Nothing more will come; what is there can still be read.
  void close() {
    closed_ = true;
    wake();
  }
  bool closed() const { return closed_; }
  bool empty() const { return items_.empty(); }

  // Waits for something, at most so long.
  Async<Wake> wait(std::chrono::milliseconds patience) {
    return Async<Wake>([this, patience](typename Async<Wake>::Resolve resolve) {
      if (!items_.empty()) return resolve(Wake::kItem);
      if (closed_) return resolve(Wake::kClosed);
      waiting_ = std::move(resolve);
      timer_ = loop_.call_after(patience, [this] { end_wait(Wake::kTimeout); });
    });
  }
  // After kItem.
  T take() {
    T item = std::move(items_.front());
    items_.pop_front();
    return item;
  }

 private:
  void wake() {
    if (waiting_) end_wait(items_.empty() ? Wake::kClosed : Wake::kItem);
  }
  void end_wait(Wake why) {
    const auto waiting = std::exchange(waiting_, nullptr);
    timer_.reset();
    waiting(why);
  }

  Loop& loop_;
  std::deque<T> items_;
  bool closed_ = false;
  typename Async<Wake>::Resolve waiting_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace amanuensis::server
