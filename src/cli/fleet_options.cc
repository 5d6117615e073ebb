#include "cli/fleet_options.h"

#include <cctype>

#include "cli/aws_settings.h"
#include "cli/option_values.h"

namespace amanuensis::cli {
namespace {

constexpr const char* kGroup = "Fleet";

void add(CLI::App& parser, const std::string& name, const char* type, const char* help, std::string& value) {
  parser.add_option("--" + name, value, help)
      ->type_name(type)
      ->capture_default_str()
      ->group(kGroup)
      ->envname(option_variable(name));
}

}  // namespace

std::string option_variable(const std::string& name) {
  std::string variable = "AMANUENSIS_" + name;
  for (char& c : variable) c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return variable;
}

void add_fleet_options(CLI::App& parser, FleetArguments& a) {
  add(parser, "nats", "ADDRESS", "NATS server, several of a cluster with commas; tls:// for TLS", a.nats);
  add(parser, "nats-credentials", "FILE", "Credentials, as nsc writes them", a.credentials);
  add(parser, "nats-ca", "FILE", "Authorities to trust for TLS (PEM)", a.ca);
  add(parser, "stream", "NAME", "The fleet's name: of its stream, table and subjects", a.stream);
  add(parser, "replicas", "N", "Copies in a NATS cluster, when the stream is made; 0: three in a cluster", a.replicas);
  add(parser, "ack-wait", "S",
      "A worker that says nothing for so long has lost its work; fixed when the stream is made", a.ack_wait);
  add(parser, "max-attempts", "N", "A job that was begun so often without an end is given up", a.max_attempts);
}

fleet::FleetSettings read_fleet_options(const FleetArguments& a, const std::string& role) {
  fleet::FleetSettings settings;
  settings.nats.servers = a.nats;
  settings.nats.credentials_file = a.credentials;
  settings.nats.tls_ca_file = a.ca;
  settings.nats.name = "amanuensis-" + role;
  settings.stream = a.stream;
  settings.replicas = static_cast<int>(read_count({"--replicas", a.replicas}, 0, 5));
  settings.ack_wait =
      std::chrono::milliseconds(static_cast<std::int64_t>(read_number({"--ack-wait", a.ack_wait}, 1, 86'400) * 1000));
  settings.max_attempts = static_cast<std::int64_t>(read_count({"--max-attempts", a.max_attempts}, 1, 1000));
  fleet::check_settings(settings);
  return settings;
}

void add_private_urls_option(CLI::App& parser, bool& allowed) {
  parser
      .add_flag("--allow-private-urls", allowed, "Fetch http(s):// recordings from this machine and its network, too")
      ->envname(option_variable("allow-private-urls"));
}

storage::StorageSettings fleet_storage(const Context& context, bool allow_private_urls) {
  storage::StorageSettings settings = read_storage_settings(context.environment);
  settings.allow_private = allow_private_urls;
  return settings;
}

}  // namespace amanuensis::cli
