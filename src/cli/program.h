// The program as a function: parses the command line, runs the subcommand, and is the one place where failures become a
// line on standard error and an exit code.
#pragma once

#include <string>
#include <vector>

#include "cli/context.h"

namespace amanuensis::cli {

// `arguments` are those after the program's name. Never throws.
int run_program(const std::vector<std::string>& arguments, Context& context);

}  // namespace amanuensis::cli
