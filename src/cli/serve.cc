#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/serve_options.h"
#include "cli/serving_models.h"
#include "cli/systemd.h"
#include "server/log/log.h"
#include "server/server.h"

namespace amanuensis::cli {
namespace {

std::string address_of(const server::ListenOptions& listen, std::uint16_t port) {
  const char* scheme = listen.tls_certificate.empty() ? "http" : "https";
  const bool any = listen.host == "0.0.0.0" || listen.host == "::";
  const std::string host = any                                          ? "localhost"
                           : listen.host.find(':') != std::string::npos ? "[" + listen.host + "]"
                                                                        : listen.host;
  return fmt::format("{}://{}:{}", scheme, host, port);
}

int run(Context& context, CLI::App& parser, const ServeArguments& arguments) {
  const bool level_given = parser.get_option("--log-level")->count() > 0;
  apply_config_file(parser, arguments.config);
  ServeRequest request = read_serve_request(arguments, context.environment);
  server::Log log(STDERR_FILENO, request.log_json);
  log.set_level(request.server.log_level);
  request.engine.on_npu_event = [&log](device::npu::EventLevel level, const std::string& text) {
    const bool warning = level == device::npu::EventLevel::kWarning;
    log.write(warning ? server::LogLevel::kWarning : server::LogLevel::kInfo, "npu", {{"what", text}});
  };
  ServingModels models(context, {.engine = request.engine, .vad = request.vad, .batch_size = request.batch_size});
  request.server.models.default_model = models.default_model();
  if (request.check_only) {
    context.terminal.out(fmt::format("The settings make sense: model {}, {} port {}, data in {}\n",
                                     models.default_model(), request.server.listen.host, request.server.listen.port,
                                     request.server.data_dir.string()));
    return kExitOk;
  }
  const std::string& notify = context.environment.notify_socket;
  const server::ListenOptions listen = request.server.listen;
  const server::ServerHooks hooks{
      .on_ready =
          [&](std::uint16_t port) {
            notify_systemd(notify, "READY=1");
            context.terminal.out(
                fmt::format("amanuensis serves model {} at {}\n", models.default_model(), address_of(listen, port)));
          },
      .on_stopping = [&] { notify_systemd(notify, "STOPPING=1"); }};
  if (!arguments.config.empty() && !level_given) {
    // A reload reads the file's log level again, unless a flag or variable goes before it.
    request.server.reload_log_level = [file = arguments.config] {
      ServeArguments again;
      CLI::App fresh;
      add_serve_options(fresh, again);
      apply_config_file(fresh, file);
      return read_log_level(again.log_level);
    };
  }
  std::unique_ptr<fleet::Fleet> fleet;
  if (request.fleet) {
    fleet = std::make_unique<fleet::Fleet>(*request.fleet);
    request.server.fleet = fleet.get();
    request.server.storage = fleet_storage(context);
  }
  server::Server server(std::move(request.server), models, log, hooks);
  server.run(context.stop);
  return kExitOk;
}

}  // namespace

Command add_serve_command(CLI::App& program) {
  auto arguments = std::make_shared<ServeArguments>();
  CLI::App* parser = program.add_subcommand("serve", "Transcribe for other programs, over HTTP");
  add_serve_options(*parser, *arguments);
  parser->footer(
      "Speaks OpenAI's transcription API (set an OpenAI client's base_url to http://HOST:PORT/v1). Every option may "
      "be\n"
      "given as a variable, --max-running as AMANUENSIS_MAX_RUNNING, or in the file of --config as max-running = 8.\n"
      "SIGTERM finishes what runs and ends.\n\n"
      "Examples:\n"
      "  amanuensis serve --model base\n"
      "  amanuensis serve --config /etc/amanuensis.toml --check-config\n"
      "  curl -F file=@talk.mp3 -F model=whisper-1 http://localhost:9004/v1/audio/transcriptions");
  return {parser, [arguments, parser](Context& context) { return run(context, *parser, *arguments); }};
}

}  // namespace amanuensis::cli
