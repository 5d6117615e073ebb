// Work of one conversation that takes long (transcription passes), one piece after the other, on a thread that is lent
// only while there is something to do. Any thread may add; the pieces run on the worker's threads.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "server/http/worker.h"

namespace amanuensis::server {

class Turns : public std::enable_shared_from_this<Turns> {
 public:
  explicit Turns(Worker& worker) : worker_(worker) {}

  // `work` must not throw.
  void add(std::function<void()> work);
  // Sound for `take`, which must not throw. What still waits to be taken goes together with it, so that a conversation
  // that fell behind catches up in one pass.
  using Take = std::function<void(const std::string& sound)>;
  void add_sound(std::string sound, Take take);
  // What has not begun is dropped.
  void clear();
  // Whether so much waits that no more should be read from the client for now. Until then it is read, also because what
  // keeps a connection alive (pings) comes behind the sound.
  bool full() const;

 private:
  struct Turn {
    std::function<void()> work;  // null for sound
    std::string sound;
    Take take;
  };

  void start();
  void run();

  Worker& worker_;
  mutable std::mutex mutex_;
  std::deque<Turn> waiting_;
  std::size_t sound_bytes_ = 0;  // of those that wait
  bool running_ = false;
};

}  // namespace amanuensis::server
