#include "cli/program.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <new>
#include <span>
#include <sstream>
#include <string_view>

#include "base/error.h"
#include "base/nearest_name.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/version.h"

namespace amanuensis::cli {
namespace {

constexpr std::size_t kHelpColumn = 46;

void set_help_style(CLI::App& parser) {
  parser.get_formatter()->column_width(kHelpColumn);
  parser.get_formatter()->label("REQUIRED", "");
  parser.get_formatter()->label("TEXT", "");
  parser.get_formatter()->label("SUBCOMMAND", "COMMAND");
}

// The innermost command that the arguments chose.
const CLI::App* chosen(const CLI::App* parser) {
  while (!parser->get_subcommands().empty()) parser = parser->get_subcommands().front();
  return parser;
}

std::string full_name(const CLI::App* parser) {
  std::string name = parser->get_name();
  for (parser = parser->get_parent(); parser != nullptr; parser = parser->get_parent()) {
    name.insert(0, parser->get_name() + " ");
  }
  return name;
}

std::vector<std::string> command_names(const CLI::App& parser) {
  std::vector<std::string> names;
  for (const CLI::App* each : parser.get_subcommands(nullptr)) names.push_back(each->get_name());
  return names;
}

// The first word must be a command, and the second one of its commands where it has some: CLI11's own message would
// speak of a missing one.
void check_command(const CLI::App& program, std::span<const std::string> arguments) {
  if (arguments.empty() || arguments.front().starts_with('-')) return;
  const std::vector<std::string> names = command_names(program);
  if (names.empty()) return;
  if (std::find(names.begin(), names.end(), arguments.front()) != names.end()) {
    check_command(*program.get_subcommand(arguments.front()), arguments.subspan(1));
    return;
  }
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  std::string hint = did_you_mean(arguments.front(), candidates);
  if (hint.empty()) {
    hint = fmt::format("; `{} --help` shows them", full_name(&program));
    if (program.get_parent() == nullptr) hint += " (to transcribe a file: amanuensis transcribe FILE)";
  }
  throw Error(ErrorCode::kInvalidArgument, fmt::format("no command '{}'{}", arguments.front(), hint));
}

std::string parse_problem(const CLI::App& program, const CLI::ParseError& error) {
  const CLI::App* parser = chosen(&program);
  std::string text = error.what();
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    const std::vector<std::string> extras = program.remaining(/*recurse=*/true);
    const auto option = std::find_if(extras.begin(), extras.end(), [](const auto& e) { return e.starts_with('-'); });
    if (option != extras.end()) {
      const std::string name = option->substr(0, option->find('='));
      std::vector<std::string> names;
      for (const CLI::Option* each : parser->get_options()) {
        for (const std::string& long_name : each->get_lnames()) names.push_back("--" + long_name);
      }
      const std::vector<std::string_view> candidates(names.begin(), names.end());
      text = fmt::format("no option '{}'{}", name, did_you_mean(name, candidates));
    } else if (!extras.empty()) {
      text = fmt::format("'{}' is one argument too many", extras.front());
    }
  }
  if (text == "A subcommand is required") text = "name a command";
  std::replace(text.begin(), text.end(), '\n', ' ');
  return fmt::format("{} (see `{} --help`)", text, full_name(parser));
}

int dispatch(const std::vector<std::string>& given, Context& context) {
  CLI::App program("Speech to text with Whisper models, on your own machine.", "amanuensis");
  set_help_style(program);
  program.set_help_flag("-h,--help", "Show this help");
  program.set_version_flag("--version", fmt::format("amanuensis {}", version()), "Show the version");
  program.require_subcommand(1);
  program.footer(
      fmt::format("`amanuensis COMMAND --help` explains each.\n\n{}\n\n"
                  "Environment: AMANUENSIS_MODELS (folders of bundled models), AMANUENSIS_ISA (scalar; avx2, avx512f,\n"
                  "avx512_vnni, avx512; neon, neon_dotprod, neon_bf16), AMANUENSIS_NPU_KERNELS (a folder), HF_HOME, "
                  "HF_HUB_CACHE, HF_ENDPOINT,\n"
                  "HF_TOKEN, HF_HUB_OFFLINE, and the proxy variables curl takes.\n\n"
                  "Examples:\n  amanuensis models pull base\n  amanuensis transcribe --model base talk.mp3",
                  exit_code_help()));
  const std::vector<Command> commands{
      add_transcribe_command(program), add_diarize_command(program), add_speakers_command(program),
      add_serve_command(program),      add_keys_command(program),    add_models_command(program),
      add_features_command(program),   add_logits_command(program),  add_demo_command(program),
      add_bench_command(program),      add_eval_command(program),    add_completion_command(program),
      add_devices_command(program),    add_npu_command(program),     add_worker_command(program),
      add_submit_command(program),     add_jobs_command(program)};

  for (const Command& command : commands) command.parser->group("Commands");

  std::vector<std::string> arguments = normalize_arguments(given);
  if (arguments.empty()) {
    context.terminal.message(program.help());
    return kExitUsage;
  }
  check_command(program, arguments);
  try {
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
    program.parse(arguments);
  } catch (const CLI::Success& asked) {  // --help, --version
    std::ostringstream text;
    program.exit(asked, text, text);
    context.terminal.out(text.str());
    return kExitOk;
  } catch (const CLI::ParseError& error) {
    throw Error(ErrorCode::kInvalidArgument, parse_problem(program, error));
  }
  for (const Command& command : commands) {
    if (command.parser->parsed()) return command.run(context);
  }
  throw Error(ErrorCode::kInternal, "no command was run");
}

}  // namespace

int run_program(const std::vector<std::string>& arguments, Context& context) {
  const auto report = [&](std::string_view message) {
    context.terminal.clear_status();
    context.terminal.message(fmt::format("amanuensis: {}", message));
  };
  try {
    return dispatch(arguments, context);
  } catch (const Error& error) {
    report(error.code() == ErrorCode::kCancelled ? "interrupted" : error.what());
    return exit_code(error.code());
  } catch (const OutputClosed&) {
    context.terminal.clear_status();
    return kExitOutputClosed;
  } catch (const std::bad_alloc&) {
    report("out of memory; a smaller model or --compute-type int8 needs less");
    return kExitResources;
  } catch (const std::exception& error) {
    report(fmt::format("unexpected: {}; please report this", error.what()));
    return kExitInternal;
  }
}

}  // namespace amanuensis::cli
