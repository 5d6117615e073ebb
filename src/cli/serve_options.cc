#include "cli/serve_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "base/nearest_name.h"
#include "cli/option_values.h"
#include "cli/version.h"
#include "fleet/submission.h"
#include "server/auth/keys.h"

namespace amanuensis::cli {
namespace {

constexpr std::uint64_t kMany = 1'000'000'000;

Error usage(const std::string& message) { return Error(ErrorCode::kInvalidArgument, message); }

struct OptionPlace {
  std::string name;  // without dashes
  const char* type;
  const char* help;
  const char* group;
};

std::string variable_of(const std::string& name) {
  std::string variable = "AMANUENSIS_" + name;
  for (char& c : variable) c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return variable;
}

void add(CLI::App& parser, const OptionPlace& place, std::string& value) {
  parser.add_option("--" + place.name, value, place.help)
      ->type_name(place.type)
      ->capture_default_str()
      ->group(place.group)
      ->envname(variable_of(place.name));
}

void add_address_options(CLI::App& parser, ServeArguments& a) {
  const char* group = "Where it listens";
  add(parser, {"host", "ADDRESS", "Address to listen on; 0.0.0.0 is every one of this machine", group}, a.host);
  add(parser, {"port", "N", "Port; 0: any that is free", group}, a.port);
  add(parser, {"tls-certificate", "FILE", "Certificate chain (PEM): speaks HTTPS", group}, a.tls_certificate);
  add(parser, {"tls-key", "FILE", "The certificate's private key (PEM)", group}, a.tls_key);
  add(parser,
      {"key-file", "FILE", "API keys, as `amanuensis keys new` writes them; without it everybody may ask", group},
      a.key_file);
  add(parser, {"webhook-secret-file", "FILE", "File whose first line signs webhooks", group}, a.webhook_secret_file);
  parser
      .add_option("--cors-origin", a.cors_origins, "Origin of another site's pages that may use this server; * is all")
      ->type_name("ORIGIN")
      ->delimiter(',')
      ->group(group)
      ->envname(variable_of("cors-origin"));
  parser
      .add_option("--allowed-hosts", a.allowed_hosts,
                  "Public names that the server answers to, such as stt.example.org or *.example.org; * is all")
      ->type_name("HOST")
      ->delimiter(',')
      ->group(group)
      ->envname(variable_of("allowed-hosts"));
}

void add_model_options(CLI::App& parser, ServeArguments& a) {
  const char* group = "Models";
  parser.add_option("-m,--model", a.model, "The model used when a request names none [base]")
      ->type_name("MODEL")
      ->group(group)
      ->envname(variable_of("model"));
  parser.add_option("--alias", a.aliases, "NAME=MODEL, or NAME for the default model: other names for models")
      ->type_name("ALIAS")
      ->capture_default_str()
      ->group(group);
  add(parser, {"compute-type", "TYPE", "auto, float32, bfloat16 or int8", group}, a.compute_type);
  add(parser, {"device", "DEVICE", "auto, cpu, npu, or npu-sim: a simulated NPU; see `amanuensis devices`", group},
      a.device);
  add(parser, {"log-mel", "DEVICE", "auto, cpu or npu; auto: the NPU's kernel where --device names an NPU", group},
      a.log_mel);
  add(parser,
      {"npu-fault", "FAULT", "Make a call of the NPU fail, to see the CPU take over: SITE:FAULT[:AFTER[:TIMES]]",
       group},
      a.npu_fault);
  add(parser, {"threads", "N", "Threads that compute; 0: one per CPU", group}, a.threads);
  add(parser, {"batch-size", "N", "Windows decoded together, of all requests", group}, a.batch_size);
  add(parser, {"beam-size", "N", "Beams at temperature 0; 1 is greedy", group}, a.beam_size);
  add(parser, {"vad-method", "NAME", "auto, silero or builtin", group}, a.vad_method);
  add(parser, {"vad-model", "MODEL", "Silero's weights: a name, or a safetensors file", group}, a.vad_model);
  add(parser, {"max-models", "N", "Models in memory at once", group}, a.max_models);
  add(parser, {"keep-alive", "S", "An unused model (not the default) leaves memory then; 0: never", group},
      a.keep_alive);
}

void add_limit_options(CLI::App& parser, ServeArguments& a) {
  const char* group = "Limits (times in seconds)";
  add(parser, {"max-running", "N", "Recordings transcribed at once", group}, a.max_running);
  add(parser, {"queue-capacity", "N", "Recordings that may wait; more are refused with 429", group}, a.queue_capacity);
  add(parser, {"max-upload-mb", "N", "Size of an upload", group}, a.max_upload_mb);
  add(parser, {"max-audio-s", "S", "Length of a recording; 0: no limit", group}, a.max_audio_s);
  add(parser, {"max-jobs-mb", "N", "Of all recordings of jobs together; more are refused with 507; 0: no limit", group},
      a.max_jobs_mb);
  add(parser, {"keep-jobs-days", "DAYS", "A job that is over is removed then; 0: never", group}, a.keep_jobs_days);
  parser
      .add_flag("--allow-private-urls", a.allow_private_urls, "Fetch recordings from this machine and its network, too")
      ->group(group)
      ->envname(variable_of("allow-private-urls"));
  add(parser, {"max-connections", "N", "Open connections", group}, a.max_connections);
  add(parser, {"max-connections-per-address", "N", "Of one client address", group}, a.max_connections_per_address);
  add(parser, {"header-kb", "N", "Size of a request's header", group}, a.header_kb);
  add(parser, {"header-timeout", "S", "For a request's header to arrive", group}, a.header_timeout);
  add(parser, {"idle-timeout", "S", "A connection on which nothing is asked", group}, a.idle_timeout);
  add(parser, {"stall-timeout", "S", "Without a byte of a body moving", group}, a.stall_timeout);
  add(parser, {"request-timeout", "S", "A whole request; 0: no limit", group}, a.request_timeout);
  add(parser, {"drain-timeout", "S", "After SIGTERM, for what runs to finish", group}, a.drain_timeout);
}

void add_fleet(CLI::App& parser, ServeArguments& a) {
  const char* group = "Jobs of a fleet";
  add(parser, {"jobs", "ADDRESS", "Jobs are done by the workers at this NATS server (nats://...), not here", group},
      a.jobs);
  add(parser, {"jobs-store", "ADDRESS", "With --jobs: folder that all workers see, or s3://bucket/prefix", group},
      a.jobs_store);
  add(parser, {"nats-credentials", "FILE", "Credentials, as nsc writes them", group}, a.fleet.credentials);
  add(parser, {"nats-ca", "FILE", "Authorities to trust for TLS (PEM)", group}, a.fleet.ca);
  add(parser, {"stream", "NAME", "The fleet's name", group}, a.fleet.stream);
  add(parser, {"replicas", "N", "Copies in a NATS cluster, when the stream is made; 0: three in a cluster", group},
      a.fleet.replicas);
}

void read_fleet(const ServeArguments& a, ServeRequest& request) {
  if (a.jobs.empty()) {
    if (!a.jobs_store.empty()) throw usage("--jobs-store has a meaning only with --jobs");
    return;
  }
  if (a.jobs_store.empty()) {
    throw usage("--jobs needs --jobs-store: a folder that all workers see, or s3://bucket/prefix");
  }
  FleetArguments fleet = a.fleet;
  fleet.nats = a.jobs;
  request.fleet = read_fleet_options(fleet, "serve");
  request.server.fleet_store = fleet::absolute_address(a.jobs_store);
}

std::chrono::milliseconds read_seconds(const OptionText& option, double highest = kMany) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(read_number(option, 0, highest) * 1000));
}

void read_limits(const ServeArguments& a, server::ServerOptions& options) {
  options.queue.max_running = read_count({"--max-running", a.max_running}, 1, 64);
  options.queue.capacity = read_count({"--queue-capacity", a.queue_capacity}, 0, kMany);
  options.max_upload_bytes = read_count({"--max-upload-mb", a.max_upload_mb}, 1, 1'000'000) << 20;
  options.max_audio_s = read_number({"--max-audio-s", a.max_audio_s}, 0, kMany);
  constexpr double kDayS = 86'400;
  const double keep_days = read_number({"--keep-jobs-days", a.keep_jobs_days}, 0, 36'500);
  // Less than a second is not never.
  options.keep_jobs = std::chrono::seconds(static_cast<std::int64_t>(std::ceil(keep_days * kDayS)));
  options.max_jobs_bytes =
      static_cast<std::int64_t>(read_count({"--max-jobs-mb", a.max_jobs_mb}, 0, 1'000'000'000) << 20);
  options.allow_private_urls = a.allow_private_urls;
  options.listen.max_connections = read_count({"--max-connections", a.max_connections}, 1, kMany);
  options.listen.max_connections_per_address =
      read_count({"--max-connections-per-address", a.max_connections_per_address}, 1, kMany);
  options.http.header_bytes = read_count({"--header-kb", a.header_kb}, 1, 1024) << 10;
  options.http.header = read_seconds({"--header-timeout", a.header_timeout});
  options.http.idle = read_seconds({"--idle-timeout", a.idle_timeout});
  options.http.stalled = read_seconds({"--stall-timeout", a.stall_timeout});
  options.http.total = read_seconds({"--request-timeout", a.request_timeout});
  options.drain = std::chrono::duration_cast<std::chrono::seconds>(read_seconds({"--drain-timeout", a.drain_timeout}));
}

void read_listening(const ServeArguments& a, server::ServerOptions& options) {
  options.listen.host = a.host;
  options.listen.port = static_cast<std::uint16_t>(read_count({"--port", a.port}, 0, 65535));
  options.listen.tls_certificate = a.tls_certificate;
  options.listen.tls_key = a.tls_key;
  if (a.tls_certificate.empty() != a.tls_key.empty()) {
    throw usage("--tls-certificate and --tls-key: one is of no use without the other");
  }
  for (const std::string& file : {a.tls_certificate, a.tls_key}) {
    if (!file.empty() && !std::ifstream(file)) {
      throw Error(ErrorCode::kNotFound, fmt::format("TLS: '{}' cannot be read", file));
    }
  }
  options.key_file = a.key_file;
  if (!a.key_file.empty()) server::read_key_file(a.key_file);  // says now what is wrong with it
  if (!a.webhook_secret_file.empty()) {
    std::ifstream in(a.webhook_secret_file);
    if (!std::getline(in, options.webhook_secret) || options.webhook_secret.empty()) {
      throw Error(ErrorCode::kNotFound,
                  fmt::format("--webhook-secret-file '{}': has no first line that can be read", a.webhook_secret_file));
    }
  }
  for (const std::string& origin : a.cors_origins) {
    const bool plain = origin == "*" || ((origin.starts_with("http://") || origin.starts_with("https://")) &&
                                         origin.find('/', origin.find("//") + 2) == std::string::npos);
    if (!plain)
      throw usage(fmt::format("--cors-origin '{}': must be like https://example.org, without a path", origin));
    options.cors_origins.push_back(origin);
  }
}

void read_allowed_hosts(const ServeArguments& a, server::ServerOptions& options) {
  for (const std::string& host : a.allowed_hosts) {
    const bool plain = !host.empty() && host.find('/') == std::string::npos &&
                       (host == "*" || host.find('*') == std::string::npos ||
                        (host.starts_with("*.") && host.find('*', 1) == std::string::npos));
    if (!plain) {
      throw usage(fmt::format("--allowed-hosts '{}': must be a name, such as stt.example.org or *.example.org", host));
    }
    options.allowed_hosts.push_back(host);
  }
}

void read_models(const ServeArguments& a, server::ServerOptions& options) {
  for (const std::string& alias : a.aliases) {
    const std::size_t equals = alias.find('=');
    if (alias.empty() || equals == 0) throw usage(fmt::format("--alias '{}': must be NAME or NAME=MODEL", alias));
    options.models.aliases[alias.substr(0, equals)] = equals == std::string::npos ? "" : alias.substr(equals + 1);
  }
  options.models.max_loaded = read_count({"--max-models", a.max_models}, 1, 1000);
  options.models.keep_alive = std::chrono::seconds(read_count({"--keep-alive", a.keep_alive}, 0, kMany));
  options.beam_size = read_count({"--beam-size", a.beam_size}, 1, 100);
}

}  // namespace

server::LogLevel read_log_level(const std::string& text) {
  constexpr std::array<std::string_view, 4> kLevels{"debug", "info", "warning", "error"};
  const std::string level = read_choice({"--log-level", text}, kLevels);
  const auto found = std::find(kLevels.begin(), kLevels.end(), level);
  return static_cast<server::LogLevel>(found - kLevels.begin());
}

void add_serve_options(CLI::App& parser, ServeArguments& a) {
  parser.add_option("--config", a.config, "TOML file with settings named as the options, without dashes in front")
      ->type_name("FILE")
      ->envname(variable_of("config"));
  parser.add_flag("--check-config", a.check_config, "Say what is wrong with the settings, and do nothing else");
  parser.add_option("--data-dir", a.data_dir, "Folder for jobs and uploads [~/.local/share/amanuensis]")
      ->type_name("DIR")
      ->envname(variable_of("data-dir"));
  add_address_options(parser, a);
  add_model_options(parser, a);
  add_limit_options(parser, a);
  add_fleet(parser, a);
  add(parser, {"log-level", "LEVEL", "debug, info, warning or error", "Log"}, a.log_level);
  parser.add_flag("--log-json", a.log_json, "One JSON object a line")->group("Log")->envname(variable_of("log-json"));
}

void apply_config_file(CLI::App& parser, const std::string& file) {
  if (file.empty()) return;
  std::vector<CLI::ConfigItem> items;
  try {
    items = CLI::ConfigTOML().from_file(file);
  } catch (const CLI::FileError&) {
    throw Error(ErrorCode::kNotFound, fmt::format("--config '{}': cannot be read", file));
  } catch (const CLI::Error& error) {
    throw Error(ErrorCode::kBadData, fmt::format("--config '{}': {}", file, error.what()));
  }
  std::vector<std::string> names;
  for (const CLI::Option* option : parser.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back(name);
  }
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  for (const CLI::ConfigItem& item : items) {
    if (item.name == "++" || item.name == "--") continue;  // a section begins or ends
    std::string name = item.name;
    std::replace(name.begin(), name.end(), '_', '-');
    CLI::Option* option = name == "config" || name == "check-config" || name == "help"
                              ? nullptr
                              : parser.get_option_no_throw("--" + name);
    if (option == nullptr) {
      throw Error(ErrorCode::kBadData,
                  fmt::format("--config '{}': no setting '{}'{}", file, item.name, did_you_mean(name, candidates)));
    }
    if (option->count() > 0) continue;  // a flag or variable goes before
    try {
      for (const std::string& value : item.inputs) option->add_result(value);
      option->run_callback();
    } catch (const CLI::Error& error) {
      throw Error(ErrorCode::kBadData, fmt::format("--config '{}': setting '{}': {}", file, item.name, error.what()));
    }
  }
}

ServeRequest read_serve_request(const ServeArguments& a, const Environment& environment) {
  ServeRequest request;
  server::ServerOptions& options = request.server;
  options.version = version();
  read_listening(a, options);
  read_allowed_hosts(a, options);
  read_models(a, options);
  read_limits(a, options);
  options.log_level = read_log_level(a.log_level);
  options.data_dir = a.data_dir.empty() ? environment.data_dir : std::filesystem::path(a.data_dir);
  if (options.data_dir.empty()) throw usage("--data-dir: there is no home folder to choose one in; name one");

  read_fleet(a, request);
  request.engine = {a.model,  a.compute_type, read_count({"--threads", a.threads}, 0, 1024),
                    a.device, a.log_mel,      a.npu_fault};
  read_device(a.device);
  read_log_mel(a.log_mel);
  if (!a.npu_fault.empty()) check_fault(a.npu_fault);
  check_compute_type(a.compute_type);
  VadArguments vad;
  vad.vad_filter = true;
  vad.vad_method = a.vad_method;
  vad.vad_model = a.vad_model;
  request.vad = read_vad_request(vad);
  request.batch_size = read_count({"--batch-size", a.batch_size}, 1, 256);
  request.log_json = a.log_json;
  request.check_only = a.check_config;
  return request;
}

}  // namespace amanuensis::cli
