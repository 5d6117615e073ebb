// The Loop as Boost.Asio runs it. Included only by the files that touch sockets.
#pragma once

#include <boost/asio/io_context.hpp>

#include "server/http/loop.h"

namespace amanuensis::server {

class AsioLoop : public Loop {
 public:
  AsioLoop();
  ~AsioLoop() override;

  void post(std::function<void()> work) override;
  std::unique_ptr<Timer> call_after(std::chrono::milliseconds delay, std::function<void()> work) override;
  void on_signal(int signal, std::function<void()> work) override;
  void run() override;
  void stop() override;

  boost::asio::io_context& context() { return context_; }

 private:
  class Signals;

  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
  std::unique_ptr<Signals> signals_;
};

}  // namespace amanuensis::server
