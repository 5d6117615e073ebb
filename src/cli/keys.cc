#include "server/auth/keys.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <memory>
#include <string>
#include <system_error>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/option_values.h"

namespace amanuensis::cli {
namespace {

struct Arguments {
  std::string name;
  std::string file;
  bool admin = false;
  std::string per_minute = "0";
  std::string running = "0";
};

void append_line(const std::string& file, const std::string& line) {
  const int descriptor = open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const bool written =
      descriptor >= 0 && write(descriptor, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  const int number = errno;
  if (descriptor >= 0) close(descriptor);
  if (!written) {
    throw Error(ErrorCode::kIo,
                fmt::format("'{}' cannot be written: {}", file, std::generic_category().message(number)));
  }
}

int new_key(Context& context, const Arguments& arguments) {
  const bool plain = std::all_of(arguments.name.begin(), arguments.name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
  if (!plain || arguments.name.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("key name '{}': must be letters, digits, '-', '_' and '.'", arguments.name));
  }
  const std::string secret = server::make_key();
  const server::ApiKey key{.name = arguments.name,
                           .hash = server::hash_key(secret),
                           .admin = arguments.admin,
                           .per_minute = read_count({"--per-minute", arguments.per_minute}, 0, 1'000'000'000),
                           .running = read_count({"--running", arguments.running}, 0, 1'000'000'000)};
  append_line(arguments.file, server::key_line(key));
  context.terminal.out(secret + "\n");
  context.terminal.message(
      "This is the key; keep it: the file holds its hash alone. A running server reads the file again on SIGHUP.");
  return kExitOk;
}

}  // namespace

Command add_keys_command(CLI::App& program) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* parser = program.add_subcommand("keys", "Make API keys for serve");
  parser->require_subcommand(1);
  CLI::App* make = parser->add_subcommand("new", "Make a key, print it, and add its hash to a file");
  make->add_option("NAME", arguments->name, "Whose key it is; appears in the log")->required();
  make->add_option("--file", arguments->file, "Key file, as given to serve's --key-file")
      ->required()
      ->type_name("FILE");
  make->add_flag("--admin", arguments->admin, "May do everything: pull models, see all jobs");
  make->add_option("--per-minute", arguments->per_minute, "Requests a minute; 0: no limit")
      ->type_name("N")
      ->capture_default_str();
  make->add_option("--running", arguments->running, "Requests at once; 0: no limit")
      ->type_name("N")
      ->capture_default_str();
  make->group("Commands");
  make->footer("Examples:\n  amanuensis keys new alice --file keys\n  amanuensis keys new root --admin --file keys");
  parser->footer("Examples:\n  amanuensis keys new alice --file keys\n  amanuensis serve --model base --key-file keys");
  return {parser, [arguments](Context& context) { return new_key(context, *arguments); }};
}

}  // namespace amanuensis::cli
