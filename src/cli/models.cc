#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/progress_text.h"

namespace amanuensis::cli {
namespace {

struct Arguments {
  std::vector<std::string> names;
};

int list(Context& context) {
  const std::vector<model::InstalledModel> installed = context.hub.installed();
  std::string text;
  for (const model::InstalledModel& model : installed) {
    text += fmt::format("{:<18} {:>8}  {:<10}  {}\n", model.name, size_text(model.size_bytes),
                        model.repository.empty() ? "bundled" : "downloaded", model.path.string());
  }
  for (const model::KnownModel& known : model::known_models()) {
    const bool is_here = std::any_of(installed.begin(), installed.end(), [&](const model::InstalledModel& model) {
      return model.repository == known.repository && model.name.find('@') == std::string::npos;
    });
    if (is_here) continue;
    text += fmt::format("{:<18} {:>8}  {:<10}  {}\n", known.name,
                        size_text(static_cast<std::uint64_t>(known.download_mb) * 1'000'000), "to pull", known.note);
  }
  context.terminal.out(text);
  return kExitOk;
}

// Draws one pull's progress: a bar on a terminal, a line per file elsewhere.
class PullDisplay {
 public:
  PullDisplay(Terminal& terminal, std::string name) : terminal_(terminal), name_(std::move(name)) {}

  void update(const model::PullProgress& progress) {
    const auto now = std::chrono::steady_clock::now();
    if (file_.empty()) {
      start_ = now;
      start_bytes_ = progress.done_bytes;
    }
    if (progress.file != file_) {
      file_ = progress.file;
      if (!terminal_.error_is_terminal()) {
        terminal_.message(fmt::format("{}: {} ({} of {} done)", name_, file_, size_text(progress.done_bytes),
                                      size_text(progress.total_bytes)));
      }
    }
    terminal_.status([&](std::size_t columns) {
      const double seconds = std::chrono::duration<double>(now - start_).count();
      const double fetched = static_cast<double>(progress.done_bytes - std::min(start_bytes_, progress.done_bytes));
      const double rate = seconds > 0 ? fetched / seconds : 0;
      const double left = rate > 0 ? static_cast<double>(progress.total_bytes - progress.done_bytes) / rate : -1;
      const std::string facts =
          fmt::format("{} / {}  {}/s  {} left", size_text(progress.done_bytes), size_text(progress.total_bytes),
                      size_text(static_cast<std::uint64_t>(rate)), clock_text(left));
      const double fraction = static_cast<double>(progress.done_bytes) /
                              static_cast<double>(std::max<std::uint64_t>(1, progress.total_bytes));
      return bar_text({name_, fraction, facts}, columns);
    });
  }

 private:
  Terminal& terminal_;
  std::string name_;
  std::string file_;
  std::uint64_t start_bytes_ = 0;
  std::chrono::steady_clock::time_point start_;
};

// Calls `action` for each name; one that fails is reported and does not stop the others.
template <typename Action>
int for_each_name(Context& context, const std::vector<std::string>& names, const Action& action) {
  std::size_t failed = 0;
  int code = kExitOk;
  for (const std::string& name : names) {
    try {
      action(name);
    } catch (const Error& error) {
      context.terminal.clear_status();
      if (error.code() == ErrorCode::kCancelled || names.size() == 1) throw;
      context.terminal.message(fmt::format("amanuensis: {}", error.what()));
      code = exit_code(error.code());
      ++failed;
    }
  }
  return failed == 0 ? code : kExitSomeFailed;
}

int pull(Context& context, const Arguments& arguments) {
  return for_each_name(context, arguments.names, [&](const std::string& name) {
    PullDisplay display(context.terminal, name);
    const auto path = context.hub.pull(
        name, [&](const model::PullProgress& progress) { display.update(progress); }, context.stop);
    context.terminal.clear_status();
    context.terminal.out(path.string() + "\n");
  });
}

int path(Context& context, const Arguments& arguments) {
  return for_each_name(context, arguments.names, [&](const std::string& name) {
    context.terminal.out(context.hub.resolve(name).string() + "\n");
  });
}

int remove(Context& context, const Arguments& arguments) {
  return for_each_name(context, arguments.names, [&](const std::string& name) {
    const std::uint64_t freed = context.hub.remove(name);
    context.terminal.message(fmt::format("{}: removed, {} freed", name, size_text(freed)));
  });
}

}  // namespace

Command add_models_command(CLI::App& program) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* parser = program.add_subcommand("models", "List, download and remove models");
  parser->require_subcommand(1);
  CLI::App* list_parser = parser->add_subcommand("list", "Models on this machine, then those that can be pulled");
  CLI::App* pull_parser =
      parser->add_subcommand("pull", "Download models into the Hugging Face cache; prints their paths");
  CLI::App* path_parser = parser->add_subcommand("path", "Print where models are");
  CLI::App* remove_parser = parser->add_subcommand("remove", "Delete downloaded models, without asking");
  for (CLI::App* each : {pull_parser, path_parser, remove_parser}) {
    each->add_option("NAME", arguments->names, "Short name (base, large-v3, ...) or owner/name; @REVISION may follow")
        ->required();
  }
  for (CLI::App* each : {list_parser, pull_parser, path_parser, remove_parser}) each->group("Commands");
  list_parser->footer("Examples:\n  amanuensis models list\n  HF_HOME=/data/hf amanuensis models list");
  pull_parser->footer(
      "A pull that stopped goes on where it stopped.\n\n"
      "Examples:\n  amanuensis models pull base\n  amanuensis models pull owner/my-whisper@v2");
  path_parser->footer("Examples:\n  amanuensis models path base\n  ls -l \"$(amanuensis models path demo)\"");
  remove_parser->footer("Examples:\n  amanuensis models remove tiny\n  amanuensis models remove owner/my-whisper@v1");
  parser->footer(
      "Environment: HF_HOME, HF_HUB_CACHE, HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE as Python's huggingface_hub\n"
      "takes them; http_proxy, https_proxy and no_proxy as curl takes them.\n\n"
      "Examples:\n  amanuensis models list\n  amanuensis models pull base");
  return {parser, [=](Context& context) {
            if (list_parser->parsed()) return list(context);
            if (pull_parser->parsed()) return pull(context, *arguments);
            if (path_parser->parsed()) return path(context, *arguments);
            return remove(context, *arguments);
          }};
}

}  // namespace amanuensis::cli
