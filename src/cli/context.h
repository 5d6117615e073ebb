// What every subcommand is handed: the surroundings, the outputs and the request to stop. Borrowed from main.
#pragma once

#include <stop_token>

#include "cli/environment.h"
#include "cli/terminal.h"
#include "model/hub/hub.h"

namespace amanuensis::cli {

struct Context {
  const Environment& environment;
  Terminal& terminal;
  model::Hub hub;
  std::stop_token stop;
};

}  // namespace amanuensis::cli
