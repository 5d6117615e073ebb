#include "cli/completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "cli/commands.h"
#include "cli/option_values.h"
#include "cli/version.h"

namespace amanuensis::cli {
namespace {

// Calls `visit` for the program and every command below it, with its words: "", "models", "models pull".
void for_each_command(const CLI::App& app, const std::string& path,
                      const std::function<void(const CLI::App&, const std::string&)>& visit) {
  visit(app, path);
  for (const CLI::App* each : app.get_subcommands(nullptr)) {
    for_each_command(*each, path.empty() ? each->get_name() : path + " " + each->get_name(), visit);
  }
}

std::vector<const CLI::Option*> named_options(const CLI::App& app) {
  std::vector<const CLI::Option*> options;
  for (const CLI::Option* each : app.get_options()) {
    if (!each->get_lnames().empty() || !each->get_snames().empty()) options.push_back(each);
  }
  return options;
}

// -m, --model
std::vector<std::string> spellings(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  return names;
}

std::string shell_quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c == '\n' ? ' ' : c;
    }
  }
  return quoted + "'";
}

// Text for man(7): a backslash is an escape, a dot or quote at a line's start a request, and - a hyphen that does not
// copy.
std::string roff(std::string_view text) {
  std::string out;
  bool at_start = true;
  for (const char c : text) {
    if (at_start && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
    at_start = c == '\n';
  }
  return out;
}

std::string manual_options(const CLI::App& app) {
  std::string page;
  for (const CLI::Option* option : app.get_options()) {
    std::string names;
    for (const std::string& name : spellings(*option)) {
      names += (names.empty() ? "\\fB" : ", \\fB") + roff(name) + "\\fR";
    }
    if (names.empty()) {
      names = "\\fI" + roff(option->get_name()) + "\\fR";
    } else if (option->get_items_expected_max() > 0 && !option->get_type_name().empty()) {
      names += " \\fI" + roff(option->get_type_name()) + "\\fR";
    }
    page += fmt::format(".TP\n{}\n{}", names, roff(option->get_description()));
    if (!option->get_default_str().empty()) page += roff(fmt::format(" (default: {})", option->get_default_str()));
    if (!option->get_envname().empty()) page += roff(fmt::format(" (variable {})", option->get_envname()));
    page += "\n";
  }
  return page;
}

int run(Context& context, const CLI::App& program, const std::string& what) {
  constexpr std::array<std::string_view, 4> kForms{"bash", "zsh", "fish", "man"};
  const std::string form = read_choice({"FORM", what}, kForms);
  context.terminal.out(form == "bash"   ? bash_completion(program)
                       : form == "zsh"  ? zsh_completion(program)
                       : form == "fish" ? fish_completion(program)
                                        : manual_page(program, version()));
  return 0;
}

}  // namespace

std::string bash_completion(const CLI::App& program) {
  std::string commands;
  std::string words;
  for_each_command(program, "", [&](const CLI::App& app, const std::string& path) {
    std::string known;
    for (const CLI::App* each : app.get_subcommands(nullptr)) {
      known += each->get_name() + " ";
      const std::string below = path.empty() ? each->get_name() : path + " " + each->get_name();
      commands += fmt::format("      '{}:{}') path='{}' ;;\n", path, each->get_name(), below);
    }
    for (const CLI::Option* option : named_options(app)) {
      for (const std::string& name : spellings(*option)) known += name + " ";
    }
    known.pop_back();
    words += fmt::format("    '{}') words='{}' ;;\n", path, known);
  });
  return fmt::format(R"(# Completion of amanuensis for bash, made by `amanuensis completion bash`.
_amanuensis() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} path= words= word
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "$path:$word" in
{}    esac
  done
  case "$path" in
{}  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}}
complete -o bashdefault -o default -F _amanuensis amanuensis
)",
                     commands, words);
}

std::string zsh_completion(const CLI::App& program) {
  return "#compdef amanuensis\nautoload -U +X bashcompinit && bashcompinit\n" + bash_completion(program);
}

std::string fish_completion(const CLI::App& program) {
  std::string script = "# Completion of amanuensis for fish, made by `amanuensis completion fish`.\n";
  for_each_command(program, "", [&](const CLI::App& app, const std::string& path) {
    std::string condition = "__fish_use_subcommand";
    if (!path.empty()) {
      condition.clear();
      for (std::size_t at = 0; at <= path.size();) {
        const std::size_t end = std::min(path.find(' ', at), path.size());
        condition += (condition.empty() ? "__fish_seen_subcommand_from " : "; and __fish_seen_subcommand_from ") +
                     path.substr(at, end - at);
        at = end + 1;
      }
    }
    for (const CLI::App* each : app.get_subcommands(nullptr)) {
      script += fmt::format("complete -c amanuensis -n '{}' -f -a {} -d {}\n", condition, each->get_name(),
                            shell_quoted(each->get_description()));
    }
    for (const CLI::Option* option : named_options(app)) {
      std::string names;
      for (const std::string& name : option->get_snames()) names += " -s " + name;
      for (const std::string& name : option->get_lnames()) names += " -l " + name;
      if (option->get_items_expected_max() > 0) names += " -r";
      script += fmt::format("complete -c amanuensis -n '{}'{} -d {}\n", condition, names,
                            shell_quoted(option->get_description()));
    }
  });
  return script;
}

std::string manual_page(const CLI::App& program, const std::string& version) {
  std::string page = fmt::format(
      ".TH AMANUENSIS 1 \"\" \"amanuensis {}\" \"User Commands\"\n.SH NAME\namanuensis \\- {}\n"
      ".SH SYNOPSIS\n.B amanuensis\n.I COMMAND\n[\\fIOPTIONS\\fR]\n",
      version, roff(program.get_description()));
  for_each_command(program, "", [&](const CLI::App& app, const std::string& path) {
    if (path.empty()) {
      page += ".SH OPTIONS\n" + manual_options(app) + ".SH COMMANDS\n";
      return;
    }
    page += fmt::format(".SS amanuensis {}\n{}\n", roff(path), roff(app.get_description())) + manual_options(app);
    if (!app.get_footer().empty()) page += ".PP\n.nf\n" + roff(app.get_footer()) + "\n.fi\n";
  });
  if (!program.get_footer().empty()) page += ".SH NOTES\n.nf\n" + roff(program.get_footer()) + "\n.fi\n";
  return page;
}

Command add_completion_command(CLI::App& program) {
  auto form = std::make_shared<std::string>();
  CLI::App* parser = program.add_subcommand("completion", "Write completions for a shell, or the manual page");
  parser->add_option("FORM", *form, "bash, zsh, fish or man")->required()->type_name("");
  parser->footer(
      "Examples:\n  source <(amanuensis completion bash)\n"
      "  amanuensis completion fish > ~/.config/fish/completions/amanuensis.fish\n"
      "  amanuensis completion man | man -l -");
  return {parser, [form, &program](Context& context) { return run(context, program, *form); }};
}

}  // namespace amanuensis::cli
