// POST /v1/models/pull: an administrator has a model downloaded. Documented in docs/api/models.md.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <stop_token>

#include "server/endpoints/endpoints.h"
#include "server/http/channel.h"
#include "server/http/events.h"
#include "server/http/http_error.h"

namespace amanuensis::server {
namespace {

constexpr std::chrono::milliseconds kBetweenReports{100};

using PullEvents = Channel<PullState>;

// Runs the download until it ends or its client has gone; how far it is goes into `events`.
Task<void> pull(Service& service, std::string name, std::stop_source stop, std::shared_ptr<PullEvents> events) {
  const auto download = [&] {
    service.models.host().pull(
        name, [&](const PullState& state) { service.loop.post([events, state] { events->push(state); }); },
        stop.get_token());
  };
  co_await service.fetcher.run(download);
  co_await service.models.refresh();
}

struct Pulling {
  std::string name;
  std::shared_ptr<PullEvents> events;
  std::stop_source stop;
  std::exception_ptr failure;
};

Task<void> tell(Loop& loop, std::shared_ptr<Pulling> pulling, Sink& sink) {
  PullState last;
  while (true) {
    const PullEvents::Wake wake = co_await pulling->events->wait(std::chrono::seconds(15));
    if (wake == PullEvents::Wake::kClosed) break;
    std::string text(kEventPing);
    if (wake == PullEvents::Wake::kItem) {
      while (!pulling->events->empty()) last = pulling->events->take();
      text =
          event_text({.data = fmt::format(R"({{"done_bytes":{},"total_bytes":{}}})", last.done_bytes, last.total_bytes),
                      .name = "progress"});
    }
    const bool written = co_await sink.write(text);
    if (!written) {
      pulling->stop.request_stop();
      co_return;
    }
    // A download reports every few kilobytes; nobody reads faster than this.
    co_await sleep_for(loop, kBetweenReports);
  }
  const nlohmann::ordered_json done = {{"id", pulling->name}, {"object", "model"}};
  const std::string text = pulling->failure
                               ? event_text({.data = error_json(describe(pulling->failure)), .name = "failed"})
                               : event_text({.data = done.dump(), .name = "done"});
  co_await sink.write(text);
}

}  // namespace

Task<Response> pull_model(Service& service, Request& request) {
  const std::string body = co_await request.body->read_all(64 * 1024);
  const nlohmann::json json = nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("model") || !json["model"].is_string()) {
    throw bad_field("model", R"(send {"model": "base"})");
  }
  const auto pulling = std::make_shared<Pulling>();
  pulling->name = json["model"].get<std::string>();
  // A name of a model, never of a place on this machine.
  if (pulling->name.empty() || pulling->name.size() > 200 || pulling->name.front() == '/' ||
      pulling->name.find("..") != std::string::npos) {
    throw bad_field("model", "model must be a short name such as 'base', or owner/name");
  }
  pulling->events = std::make_shared<PullEvents>(service.loop);
  spawn(pull(service, pulling->name, pulling->stop, pulling->events), [pulling](const std::exception_ptr& error) {
    pulling->failure = error;
    pulling->events->close();
  });
  co_return event_response(
      [&loop = service.loop, pulling](Sink& sink) -> Task<void> { return tell(loop, pulling, sink); });
}

}  // namespace amanuensis::server
