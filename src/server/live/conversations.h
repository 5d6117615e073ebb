// The live conversations that are open, so that a server that stops can bring each to its end instead of cutting it
// off. On the loop's thread.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <utility>

namespace amanuensis::server {

class Conversations {
 public:
  // How a conversation is closed that the server ends: RFC 6455, "going away".
  static constexpr int kGoingAway = 1001;
  static constexpr const char* kReason = "the server is stopping";

  // What add() gives: while it exists, the conversation is open.
  using Entry = std::shared_ptr<void>;

  // `wind_up` is called once at most: what was heard is to be transcribed, told and the conversation closed. The entry
  // must not outlive the object.
  [[nodiscard]] Entry add(std::function<void()> wind_up) {
    const auto at = open_.insert(open_.end(), std::move(wind_up));
    return {nullptr, [this, at](void*) { open_.erase(at); }};
  }
  void wind_up() {
    for (std::function<void()>& each : open_) {
      if (const std::function<void()> once = std::exchange(each, nullptr)) once();
    }
  }
  bool empty() const { return open_.empty(); }

 private:
  std::list<std::function<void()>> open_;
};

}  // namespace amanuensis::server
