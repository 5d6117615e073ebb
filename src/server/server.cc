#include "server/server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "server/endpoints/endpoints.h"
#include "server/http/http_error.h"
#include "server/http/http_server.h"
#include "server/jobs/fleet_jobs.h"
#include "server/jobs/webhooks.h"
#include "server/net/outbound.h"
#include "server/service.h"

namespace amanuensis::server {
namespace {

constexpr std::chrono::milliseconds kDrainLook{50};
constexpr int kIdleLooks = 10;
// They wait for the engine most of the time, and for something to do the rest.
constexpr std::size_t kLiveThreads = 8;

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

// The lock that only one server can have; it goes with the process.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& folder) {
    make_folder(folder);
    descriptor_ = ::open((folder / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor_ >= 0 && flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return;
    const int number = errno;
    if (descriptor_ >= 0) ::close(descriptor_);
    throw Error(ErrorCode::kIo, fmt::format("'{}': {}; name another folder with --data-dir", folder.string(),
                                            number == EWOULDBLOCK ? std::string("another server is using this folder")
                                                                  : std::generic_category().message(number)));
  }
  ~FolderLock() { ::close(descriptor_); }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int descriptor_;
};

// The names of this machine, of the address it listens on, and of the owner's choice.
HostRules host_rules(const ServerOptions& options) {
  HostRules rules{.checked = options.key_file.empty() || !options.allowed_hosts.empty(),
                  .allowed = options.allowed_hosts};
  rules.allowed.push_back(options.listen.host);
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) == 0) rules.allowed.emplace_back(name.data());
  return rules;
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
        lock(options.data_dir),
        loop(make_loop()),
        disk(*loop, 2),
        models(*loop, host, options.models),
        queue(*loop, models, stats, options.queue),
        fetcher(*loop, 2),
        live(*loop, kLiveThreads),
        gate(KeyRing(options.key_file.empty() ? std::vector<ApiKey>() : read_key_file(options.key_file)),
             options.cors_origins, host_rules(options)),
        own_jobs(options.fleet == nullptr ? make_own_jobs() : nullptr),
        fleet_jobs(options.fleet != nullptr ? make_fleet_jobs() : nullptr),
        jobs(own_jobs ? static_cast<JobService&>(*own_jobs) : *fleet_jobs),
        service{.options = options,
                .loop = *loop,
                .log = log,
                .disk = disk,
                .models = models,
                .stats = stats,
                .queue = queue,
                .jobs = jobs,
                .gate = gate,
                .metrics = metrics,
                .fetcher = fetcher,
                .live = live,
                .fetch = make_fetch(),
                .connections = [this] { return http ? http->counts() : ConnectionCounts(); },
                .started = std::chrono::system_clock::now()},
        router(make_routes(service)),
        webhooks(*loop, jobs, log, options.webhook_secret, make_post()),
        shared{.loop = *loop, .router = router, .limits = options.http} {}

  void connect_http();
  void prepare();
  Task<void> load_default_model();
  std::unique_ptr<Jobs> make_own_jobs();
  std::unique_ptr<FleetJobs> make_fleet_jobs();
  FetchFn make_fetch() const;
  PostFn make_post() const;
  OutboundOptions outbound() const;
  void reload();
  void log_request(const AccessRecord& record);
  void begin_drain();
  void look_at_drain(Clock::time_point give_up);

  const ServerOptions options;
  Log& log;
  ServerHooks hooks;
  FolderLock lock;
  std::stop_source outbound_stop;
  std::unique_ptr<Loop> loop;
  Worker disk;
  ModelPool models;
  Stats stats;
  WorkQueue queue;
  Worker fetcher;
  Worker live;
  Gate gate;
  Metrics metrics;
  std::unique_ptr<Jobs> own_jobs;  // one of these two
  std::unique_ptr<FleetJobs> fleet_jobs;
  JobService& jobs;
  Service service;
  Router router;
  Webhooks webhooks;
  HttpShared shared;
  std::unique_ptr<HttpServer> http;
  std::unique_ptr<Timer> timer;
  int idle_looks = 0;
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

std::unique_ptr<Jobs> Server::State::make_own_jobs() {
  return std::make_unique<Jobs>(*loop, queue, log,
                                JobsOptions{.data_dir = options.data_dir,
                                            .keep = options.keep_jobs,
                                            .max_bytes = options.max_jobs_bytes,
                                            .max_audio_s = options.max_audio_s,
                                            .beam_size = options.beam_size},
                                make_fetch());
}

std::unique_ptr<FleetJobs> Server::State::make_fleet_jobs() {
  return std::make_unique<FleetJobs>(
      *loop, log, *options.fleet,
      FleetJobsOptions{.data_dir = options.data_dir,
                       .store = {.store = options.fleet_store, .storage = options.storage},
                       .keep = options.keep_jobs,
                       .max_bytes = options.max_jobs_bytes,
                       .beam_size = options.beam_size});
}

OutboundOptions Server::State::outbound() const {
  return {.allow_private = options.allow_private_urls,
          .max_bytes = options.max_upload_bytes,
          .user_agent = "amanuensis/" + options.version,
          .stop = outbound_stop.get_token()};
}

FetchFn Server::State::make_fetch() const {
  return [how = outbound()](const std::string& url, const std::filesystem::path& folder, const std::string& stem) {
    return fetch_recording(how, url, folder, stem);
  };
}

PostFn Server::State::make_post() const {
  return [how = outbound()](const std::string& url, const std::string& json,
                            const std::map<std::string, std::string>& headers) {
    return post_json(how, url, json, headers);
  };
}

// SIGHUP: the keys and the log level, without a request noticing.
void Server::State::reload() {
  try {
    if (!options.key_file.empty()) gate.keys().replace(read_key_file(options.key_file));
    if (options.reload_log_level) log.set_level(options.reload_log_level());
    log.write(LogLevel::kInfo, "reloaded", {});
  } catch (const Error& error) {
    log.write(LogLevel::kError, "not reloaded", {{"what", error.what()}});
  }
}

void Server::State::connect_http() {
  shared.admit = [this](Request& request, const Route& route) { gate.admit(request, route); };
  shared.finish = [this](const Request& request, Response& response) {
    response.headers.emplace("x-content-type-options", "nosniff");
    // What people have said is nothing for a proxy to keep.
    response.headers.emplace("cache-control", "no-store");
    gate.add_cors_headers(request, response);
  };
  shared.on_served = [this](const AccessRecord& record) {
    gate.leave(record.request);
    metrics.count_request(record.request.method, record.route, record.status, record.elapsed_s);
    log_request(record);
  };
  models.on_failure = [this](const std::string& id, const std::string& why) {
    log.write(LogLevel::kError, "model not loaded", {{"model", id}, {"what", why}});
  };
  jobs.on_over = [this](const JobRecord& job) {
    if (!job.webhook_url.empty()) webhooks.look();
  };
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
  if (own_jobs) own_jobs->start();
  if (fleet_jobs) fleet_jobs->start();
  webhooks.look();
  const ModelLease lease = co_await models.acquire(options.models.default_model);
  log.write(LogLevel::kInfo, "model loaded",
            {{"model", lease.model().facts().id},
             {"compute_type", lease.model().facts().compute_type},
             {"kernels", lease.model().facts().kernels},
             {"seconds", fmt::format("{:.2f}", lease.model().facts().load_s)}});
}

// Work that runs may finish, and who is speaking is heard out to this moment; whoever waits for something that is
// queued in memory alone is told to come back.
void Server::State::begin_drain() {
  if (service.draining) return;
  service.draining = true;
  log.write(LogLevel::kInfo, "draining",
            {{"running", std::to_string(queue.running())}, {"waiting", std::to_string(queue.waiting())}});
  if (hooks.on_stopping) hooks.on_stopping();
  queue.hold();
  http->drain();
  if (own_jobs) own_jobs->hold();
  for (const auto& work : queue.all_waiting()) {
    if (!work->spec().durable) work->cancel();
  }
  service.conversations.wind_up();
  look_at_drain(Clock::now() + options.drain);
}

void Server::State::look_at_drain(Clock::time_point give_up) {
  const bool talked_out = service.conversations.empty() || Clock::now() >= give_up;
  const bool worked_off = queue.running() == 0 && (!own_jobs || own_jobs->settled()) && talked_out;
  if (worked_off && http->empty()) {
    // Nobody listens any more: what waits for the next start lets go of its memory, and says nothing.
    outbound_stop.request_stop();
    for (const auto& work : queue.all_waiting()) work->cancel();
    loop->post([this] { loop->stop(); });
    return;
  }
  if (Clock::now() >= give_up) {
    for (const auto& work : queue.all_running()) work->cancel();
  }
  // Nothing is to be had any more on what is still open: watchers of jobs that wait for the next start.
  if (worked_off && ++idle_looks > kIdleLooks) http->abort();
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
  state.loop->on_signal(SIGHUP, [&state] { state.reload(); });
  const std::stop_callback on_stop(stop, [&state] { state.loop->post([&state] { state.begin_drain(); }); });
  state.loop->run();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace amanuensis::server
