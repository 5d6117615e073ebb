// amanuensis worker: one of a fleet.
#include "fleet/worker.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/fleet_options.h"
#include "cli/hosted_engines.h"
#include "cli/npu_device.h"
#include "cli/option_values.h"
#include "cli/serve_options.h"
#include "cli/systemd.h"
#include "fleet/metrics.h"
#include "server/log/log.h"

namespace amanuensis::cli {
namespace {

struct Arguments {
  std::string config;
  bool check_config = false;
  FleetArguments fleet;
  std::string name;
  std::string concurrency = "4";
  std::string work_dir;
  std::string drain_timeout = "30";
  std::string cut_above = "1200";
  std::string range_windows = "16";
  std::string metrics;
  bool allow_private_urls = false;

  std::string model;
  std::string compute_type = "auto";
  std::string device = "auto";
  std::string threads = "0";
  std::string batch_size = "16";
  std::string vad_method = "auto";
  std::string vad_model = "silero-vad";
  std::string max_models = "2";
  std::string log_level = "info";
  bool log_json = false;
};

// Unique in the fleet: the machine's name says where to look, the rest tells its workers apart.
std::string own_name() {
  std::array<char, 64> host{};
  gethostname(host.data(), host.size() - 1);
  std::string name(host.data());
  name.resize(std::min<std::size_t>(name.size(), 30));
  std::random_device random;
  return fmt::format("{}-{}-{:04x}", name, getpid(), random() & 0xFFFF);
}

std::string checked_name(std::string name) {
  if (name.empty()) return checked_name(own_name());
  for (char& c : name) {
    const bool fits = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
    if (!fits) c = '_';
  }
  return name;
}

fleet::WorkerOptions read_worker_options(const Arguments& a, const Context& context) {
  fleet::WorkerOptions options;
  options.name = checked_name(a.name);
  options.concurrency = read_count({"--concurrency", a.concurrency}, 1, 64);
  options.work_folder = a.work_dir.empty() ? std::filesystem::temp_directory_path() / ("amanuensis-" + options.name)
                                           : std::filesystem::path(a.work_dir);
  options.drain = std::chrono::milliseconds(
      static_cast<std::int64_t>(read_number({"--drain-timeout", a.drain_timeout}, 0, 1e9) * 1000));
  options.cut_above_s = read_number({"--cut-above", a.cut_above}, 0, 1e9);
  options.range_windows = read_count({"--range-windows", a.range_windows}, 1, 10'000);
  options.storage = fleet_storage(context, a.allow_private_urls);
  return options;
}

ServingOptions read_models(const Arguments& a) {
  check_compute_type(a.compute_type);
  read_device(a.device);
  VadArguments vad;
  vad.vad_filter = true;
  vad.vad_method = a.vad_method;
  vad.vad_model = a.vad_model;
  return {.engine = {a.model, a.compute_type, read_count({"--threads", a.threads}, 0, 1024), a.device},
          .vad = read_vad_request(vad),
          .batch_size = read_count({"--batch-size", a.batch_size}, 1, 256)};
}

// A worker may be started before its servers, or while they are away: it waits for them. Null when asked to stop.
std::unique_ptr<fleet::Fleet> find_fleet(fleet::FleetSettings settings, server::Log& log, const Context& context) {
  constexpr std::chrono::seconds kPause{1};
  settings.nats.connect_timeout = std::chrono::seconds{1};  // whoever stops the worker does not wait for long
  while (!context.stop.stop_requested()) {
    try {
      return std::make_unique<fleet::Fleet>(settings);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kNetwork) throw;
      log.write(server::LogLevel::kWarning, "waiting for NATS", {{"what", error.what()}});
    }
    std::this_thread::sleep_for(kPause);
  }
  return nullptr;
}

int run(Context& context, CLI::App& parser, const Arguments& arguments) {
  apply_config_file(parser, arguments.config);
  fleet::WorkerOptions options = read_worker_options(arguments, context);
  const fleet::FleetSettings settings = read_fleet_options(arguments.fleet, options.name);
  const std::string queue = fleet::without_password(arguments.fleet.nats);
  const std::size_t max_models = read_count({"--max-models", arguments.max_models}, 1, 1000);
  server::Log log(STDERR_FILENO, arguments.log_json);
  log.set_level(read_log_level(arguments.log_level));
  ServingModels models(context, read_models(arguments));
  options.model = models.default_model();
  if (arguments.check_config) {
    context.terminal.out(fmt::format("The settings make sense: model {}, {} jobs at once, queue {}\n", options.model,
                                     options.concurrency, queue));
    return kExitOk;
  }
  const std::unique_ptr<fleet::Fleet> found = find_fleet(settings, log, context);
  if (!found) return kExitOk;  // asked to stop before there was one
  fleet::Fleet& fleet = *found;
  HostedEngines engines(models, max_models);
  fleet::Worker worker(fleet, engines, options, [&log](const fleet::WorkerEvent& event) {
    const server::LogFields fields(event.facts.begin(), event.facts.end());
    log.write(event.is_problem ? server::LogLevel::kWarning : server::LogLevel::kInfo, event.what, fields);
  });
  std::unique_ptr<fleet::MetricsServer> metrics;
  if (!arguments.metrics.empty()) {
    metrics = std::make_unique<fleet::MetricsServer>(arguments.metrics, [&worker] { return worker.status(); });
  }
  const std::string& notify = context.environment.notify_socket;
  notify_systemd(notify, "READY=1");
  context.terminal.out(fmt::format("amanuensis worker {}: model {}, {} jobs at once, {}{}\n", options.name,
                                   options.model, options.concurrency, queue,
                                   metrics ? fmt::format(", metrics at {}", metrics->address()) : std::string()));
  const std::stop_callback stopping(context.stop, [&notify] { notify_systemd(notify, "STOPPING=1"); });
  worker.run(context.stop);
  std::error_code ignored;
  if (arguments.work_dir.empty()) std::filesystem::remove_all(options.work_folder, ignored);
  return kExitOk;
}

void add(CLI::App& parser, const std::string& name, const char* type, const char* help, const char* group,
         std::string& value) {
  parser.add_option("--" + name, value, help)
      ->type_name(type)
      ->capture_default_str()
      ->group(group)
      ->envname(option_variable(name));
}

void add_options(CLI::App& parser, Arguments& a) {
  parser.add_option("--config", a.config, "TOML file with settings named as the options, without dashes in front")
      ->type_name("FILE")
      ->envname(option_variable("config"));
  parser.add_flag("--check-config", a.check_config,
                  "Say what is wrong with the settings, and do nothing else; the queue is not asked");
  add_fleet_options(parser, a.fleet);
  const char* worker = "Worker (times in seconds)";
  add(parser, "name", "NAME", "What this worker is called; must be unique [host, process and chance]", worker, a.name);
  add(parser, "concurrency", "N", "Jobs at once; they share one batch", worker, a.concurrency);
  add(parser, "work-dir", "DIR", "Folder for recordings that are fetched [of its own, in /tmp]", worker, a.work_dir);
  add(parser, "drain-timeout", "S", "After SIGTERM, for what runs to finish; then it is given back", worker,
      a.drain_timeout);
  add(parser, "cut-above", "S", "Longer recordings are cut into ranges for several workers; 0: never", worker,
      a.cut_above);
  add(parser, "range-windows", "N", "Windows of the model (30 s) in a range", worker, a.range_windows);
  add(parser, "metrics", "ADDRESS", "HOST:PORT for /metrics (Prometheus); port 0: any that is free", worker, a.metrics);
  add_private_urls_option(parser, a.allow_private_urls);
  const char* models = "Models";
  parser.add_option("-m,--model", a.model, "The model that is read at the start; jobs may name others [base]")
      ->type_name("MODEL")
      ->group(models)
      ->envname(option_variable("model"));
  add(parser, "compute-type", "TYPE", "auto, float32, bfloat16 or int8", models, a.compute_type);
  add(parser, "device", "DEVICE", "auto, cpu, npu or npu-sim; see `amanuensis devices`", models, a.device);
  add(parser, "threads", "N", "Threads that compute; 0: one per CPU", models, a.threads);
  add(parser, "batch-size", "N", "Windows decoded together, of all jobs", models, a.batch_size);
  add(parser, "vad-method", "NAME", "auto, silero or builtin", models, a.vad_method);
  add(parser, "vad-model", "MODEL", "Silero's weights: a name, or a safetensors file", models, a.vad_model);
  add(parser, "max-models", "N", "Models in memory at once", models, a.max_models);
  add(parser, "log-level", "LEVEL", "debug, info, warning or error", "Log", a.log_level);
  parser.add_flag("--log-json", a.log_json, "One JSON object a line")
      ->group("Log")
      ->envname(option_variable("log-json"));
}

}  // namespace

Command add_worker_command(CLI::App& program) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* parser = program.add_subcommand("worker", "Transcribe for a fleet: takes jobs from NATS JetStream");
  add_options(*parser, *arguments);
  parser->footer(
      "Any number of workers share the jobs that `amanuensis submit` and `amanuensis serve --jobs` put into the "
      "queue.\n"
      "A worker may be killed at any time: what it was doing is begun again by another. SIGTERM finishes what runs\n"
      "and gives back the rest. Every option may be given as a variable (--nats as AMANUENSIS_NATS) or in the file of\n"
      "--config. S3 credentials come from the usual AWS variables and files.\n\n"
      "Examples:\n"
      "  amanuensis worker --nats nats://queue:4222 --model base\n"
      "  amanuensis worker --nats nats://a:4222,nats://b:4222,nats://c:4222 --concurrency 8 --metrics 0.0.0.0:9005");
  return {parser, [arguments, parser](Context& context) { return run(context, *parser, *arguments); }};
}

}  // namespace amanuensis::cli
