#include "server/server.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "server/endpoints/endpoints.h"
#include "server/http/http_error.h"
#include "server/http/http_server.h"
#include "server/service.h"

namespace amanuensis::server {
namespace {

constexpr std::chrono::milliseconds kDrainLook{50};

void make_folder(const std::filesystem::path& folder) {
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem) {
    throw Error(ErrorCode::kIo, fmt::format("'{}' cannot be made a folder: {}; choose another with --data-dir",
                                            folder.string(), problem.message()));
  }
}

// Uploads of requests that an earlier process did not finish.
void empty_folder(const std::filesystem::path& folder) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    std::filesystem::remove(entry.path(), ignored);
  }
}

// A connection is a descriptor: as many as the system lets a process have.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

struct Server::State {
  State(ServerOptions given, ModelHost& host, Log& to, ServerHooks told)
      : options(std::move(given)),
        log(to),
        hooks(std::move(told)),
        loop(make_loop()),
        disk(*loop, 2),
        models(*loop, host, options.models),
        queue(*loop, models, stats, options.queue),
        service{.options = options,
                .loop = *loop,
                .log = log,
                .disk = disk,
                .models = models,
                .stats = stats,
                .queue = queue,
                .started = std::chrono::system_clock::now()},
        router(make_routes(service)),
        shared{.loop = *loop, .router = router, .limits = options.http} {}

  void connect_http();
  void prepare();
  Task<void> load_default_model();
  void log_request(const AccessRecord& record);
  void begin_drain();
  void look_at_drain(Clock::time_point give_up);

  const ServerOptions options;
  Log& log;
  ServerHooks hooks;
  std::unique_ptr<Loop> loop;
  Worker disk;
  ModelPool models;
  Stats stats;
  WorkQueue queue;
  Service service;
  Router router;
  HttpShared shared;
  std::unique_ptr<HttpServer> http;
  std::unique_ptr<Timer> timer;
};

void Server::State::log_request(const AccessRecord& record) {
  log.write(record.status >= 500 ? LogLevel::kWarning : LogLevel::kInfo, "request",
            {{"id", record.request.id},
             {"client", record.request.caller.address},
             {"key", record.request.caller.key_name},
             {"method", record.request.method},
             {"path", record.request.path.substr(0, 200)},
             {"status", std::to_string(record.status)},
             {"bytes", std::to_string(record.body_bytes)},
             {"ms", fmt::format("{:.1f}", record.elapsed_s * 1000)},
             {"gone", record.request.abandoned ? "yes" : "no"}});
}

void Server::State::connect_http() {
  shared.admit = [](Request&, const Route&) {};
  shared.finish = [](const Request&, Response& response) {
    response.headers.emplace("x-content-type-options", "nosniff");
  };
  shared.on_served = [this](const AccessRecord& record) { log_request(record); };
  shared.on_failure = [this](const Request& request, const std::exception_ptr& error) {
    std::string what = "unknown";
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& known) {
      what = known.what();
    } catch (...) {
      what = "something that is no exception";
    }
    log.write(LogLevel::kError, "failure", {{"id", request.id}, {"path", request.path.substr(0, 200)}, {"what", what}});
  };
}

void Server::State::prepare() {
  raise_descriptor_limit();
  make_folder(service.upload_folder());
  empty_folder(service.upload_folder());
  models.resolve("");  // throws when the default model is not there
  connect_http();
  http = std::make_unique<HttpServer>(shared, options.listen);
}

Task<void> Server::State::load_default_model() {
  const ModelLease lease = co_await models.acquire(options.models.default_model);
  log.write(LogLevel::kInfo, "model loaded",
            {{"model", lease.model().facts().id},
             {"compute_type", lease.model().facts().compute_type},
             {"kernels", lease.model().facts().kernels},
             {"seconds", fmt::format("{:.2f}", lease.model().facts().load_s)}});
}

// Work that runs may finish; whoever waits for something that is queued in memory alone is told to come back.
void Server::State::begin_drain() {
  if (service.draining) return;
  service.draining = true;
  log.write(LogLevel::kInfo, "draining",
            {{"running", std::to_string(queue.running())}, {"waiting", std::to_string(queue.waiting())}});
  if (hooks.on_stopping) hooks.on_stopping();
  queue.hold();
  http->drain();
  for (const auto& work : queue.all_waiting()) work->cancel();
  look_at_drain(Clock::now() + options.drain);
}

void Server::State::look_at_drain(Clock::time_point give_up) {
  if (http->empty() && queue.running() == 0) return loop->stop();
  if (Clock::now() >= give_up) {
    for (const auto& work : queue.all_running()) work->cancel();
    http->abort();
  }
  timer = loop->call_after(kDrainLook, [this, give_up] { look_at_drain(give_up); });
}

Server::Server(ServerOptions options, ModelHost& host, Log& log, ServerHooks hooks)
    : state_(std::make_unique<State>(std::move(options), host, log, std::move(hooks))) {
  state_->prepare();
}

Server::~Server() = default;

std::uint16_t Server::port() const { return state_->http->port(); }

void Server::run(const std::stop_token& stop) {
  State& state = *state_;
  std::exception_ptr failure;
  spawn(state.load_default_model(), [&](const std::exception_ptr& error) {
    if (error) {
      failure = error;
      state.loop->stop();
      return;
    }
    state.log.write(LogLevel::kInfo, "listening",
                    {{"host", state.options.listen.host}, {"port", std::to_string(state.http->port())}});
    if (state.hooks.on_ready) state.hooks.on_ready(state.http->port());
  });
  const std::stop_callback on_stop(stop, [&state] { state.loop->post([&state] { state.begin_drain(); }); });
  state.loop->run();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace amanuensis::server
