// The options of `amanuensis serve`: flags, over environment variables (AMANUENSIS_PORT for --port), over the file
// named by --config (TOML), over defaults.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/engine.h"
#include "cli/fleet_options.h"
#include "cli/vad_options.h"
#include "server/options.h"

namespace amanuensis::cli {

struct ServeArguments {
  std::string config;
  bool check_config = false;

  std::string host = "127.0.0.1";
  std::string port = "9004";
  std::string data_dir;
  std::string tls_certificate;
  std::string tls_key;

  std::string model;
  std::vector<std::string> aliases = {"whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe"};
  std::string compute_type = "auto";
  std::string device = "auto";
  std::string log_mel = "auto";
  std::string npu_fault;
  std::string threads = "0";
  std::string batch_size = "16";
  std::string beam_size = "1";
  std::string vad_method = "auto";
  std::string vad_model = "silero-vad";
  std::string max_models = "2";
  std::string keep_alive = "300";

  std::string max_running = "32";
  std::string queue_capacity = "256";
  std::string max_upload_mb = "4096";
  std::string max_audio_s = "0";
  std::string keep_jobs_days = "30";
  std::string max_jobs_mb = "0";
  bool allow_private_urls = false;
  std::string max_connections = "8192";
  std::string max_connections_per_address = "4096";
  std::string header_kb = "16";
  std::string header_timeout = "10";
  std::string idle_timeout = "75";
  std::string stall_timeout = "30";
  std::string request_timeout = "0";
  std::string drain_timeout = "30";

  std::string jobs;
  std::string jobs_store;
  FleetArguments fleet;

  std::string key_file;
  std::string webhook_secret_file;
  std::vector<std::string> cors_origins;
  std::vector<std::string> allowed_hosts;
  std::string log_level = "info";
  bool log_json = false;
};

struct ServeRequest {
  server::ServerOptions server;
  EngineOptions engine;
  VadRequest vad;
  std::optional<fleet::FleetSettings> fleet;  // absent: jobs are the server's own
  std::size_t batch_size = 16;
  bool log_json = false;
  bool check_only = false;
};

void add_serve_options(CLI::App& parser, ServeArguments& arguments);

// Takes what the file says for options that neither flag nor environment gave. Throws Error{kNotFound | kBadData |
// kInvalidArgument} naming file and setting.
void apply_config_file(CLI::App& parser, const std::string& file);

// What --log-level means.
server::LogLevel read_log_level(const std::string& text);

// Checks every value. Throws Error{kInvalidArgument} naming the option.
ServeRequest read_serve_request(const ServeArguments& arguments, const Environment& environment);

}  // namespace amanuensis::cli
