#include "server/http/asio_loop.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>

namespace amanuensis::server {

namespace asio = boost::asio;

namespace {

// The call may destroy its own timer, which is why what runs it is shared.
class AsioTimer : public Timer {
 public:
  AsioTimer(asio::io_context& context, std::chrono::milliseconds delay, std::function<void()> work)
      : state_(std::make_shared<State>(context, std::move(work))) {
    state_->timer.expires_after(delay);
    state_->timer.async_wait([state = state_](const boost::system::error_code& problem) {
      if (problem || state->dropped) return;
      const std::function<void()> call = std::move(state->work);
      call();
    });
  }
  ~AsioTimer() override {
    state_->dropped = true;
    state_->timer.cancel();
  }

 private:
  struct State {
    State(asio::io_context& context, std::function<void()> call) : timer(context), work(std::move(call)) {}
    asio::steady_timer timer;
    std::function<void()> work;
    bool dropped = false;
  };
  std::shared_ptr<State> state_;
};

}  // namespace

class AsioLoop::Signals {
 public:
  explicit Signals(asio::io_context& context) : context_(context) {}

  void add(int signal, std::function<void()> work) {
    sets_.emplace_back(std::make_shared<asio::signal_set>(context_, signal));
    wait(sets_.back(), std::make_shared<std::function<void()>>(std::move(work)));
  }

 private:
  static void wait(const std::shared_ptr<asio::signal_set>& set, const std::shared_ptr<std::function<void()>>& work) {
    set->async_wait([set, work](const boost::system::error_code& problem, int) {
      if (problem) return;
      (*work)();
      wait(set, work);
    });
  }

  asio::io_context& context_;
  std::list<std::shared_ptr<asio::signal_set>> sets_;
};

AsioLoop::AsioLoop() : guard_(asio::make_work_guard(context_)), signals_(std::make_unique<Signals>(context_)) {}

AsioLoop::~AsioLoop() = default;

void AsioLoop::post(std::function<void()> work) { asio::post(context_, std::move(work)); }

std::unique_ptr<Timer> AsioLoop::call_after(std::chrono::milliseconds delay, std::function<void()> work) {
  return std::make_unique<AsioTimer>(context_, delay, std::move(work));
}

void AsioLoop::on_signal(int signal, std::function<void()> work) { signals_->add(signal, std::move(work)); }

void AsioLoop::run() { context_.run(); }

void AsioLoop::stop() { context_.stop(); }

std::unique_ptr<Loop> make_loop() { return std::make_unique<AsioLoop>(); }

}  // namespace amanuensis::server
