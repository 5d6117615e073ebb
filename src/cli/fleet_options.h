// What every command of the fleet must know: where NATS is, and which fleet. Flags, over environment variables
// (AMANUENSIS_NATS for --nats), over defaults.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "cli/context.h"
#include "fleet/fleet.h"
#include "storage/settings.h"

namespace amanuensis::cli {

struct FleetArguments {
  std::string nats = "nats://127.0.0.1:4222";
  std::string credentials;
  std::string ca;
  std::string stream = "amanuensis";
  std::string replicas = "0";
  std::string ack_wait = "30";
  std::string max_attempts = "5";
};

// "AMANUENSIS_MAX_RUNNING" for "max-running".
std::string option_variable(const std::string& name);

void add_fleet_options(CLI::App& parser, FleetArguments& arguments);
// Throws Error{kInvalidArgument} naming the option. `role` is how this process is called in the servers' lists.
fleet::FleetSettings read_fleet_options(const FleetArguments& arguments, const std::string& role);

// --allow-private-urls
void add_private_urls_option(CLI::App& parser, bool& allowed);
// As the environment says.
storage::StorageSettings fleet_storage(const Context& context, bool allow_private_urls = false);

}  // namespace amanuensis::cli
