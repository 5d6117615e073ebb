// The parts of `amanuensis npu`: one function each, in a file of its own name, that adds the command to its parent.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "cli/commands.h"

namespace amanuensis::cli {

// --npu-fault, for commands of which a person wants to see what a fault looks like.
void add_fault_option(CLI::App& parser, std::string& fault);

Command add_npu_plan_command(CLI::App& npu);
Command add_npu_selftest_command(CLI::App& npu);
Command add_npu_simulate_command(CLI::App& npu);
Command add_npu_bench_command(CLI::App& npu);

}  // namespace amanuensis::cli
