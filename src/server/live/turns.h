// Work of one conversation that takes long (transcription passes), one piece after the other, on a thread that is lent
// only while there is something to do. Any thread may add; the pieces run on the worker's threads.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "server/http/worker.h"

namespace amanuensis::server {

class Turns : public std::enable_shared_from_this<Turns> {
 public:
  explicit Turns(Worker& worker) : worker_(worker) {}

  // `work` must not throw.
  void add(std::function<void()> work);
  // What has not begun is dropped.
  void clear();
  std::size_t waiting() const;

 private:
  void run();

  Worker& worker_;
  mutable std::mutex mutex_;
  std::deque<std::function<void()>> waiting_;
  bool running_ = false;
};

}  // namespace amanuensis::server
