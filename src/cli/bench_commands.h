// The parts of `amanuensis bench`: one function each, in a file of its own name, that adds the command to its parent.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/commands.h"

namespace amanuensis::cli {

Command add_bench_kernels_command(CLI::App& bench);
Command add_bench_model_command(CLI::App& bench);
Command add_bench_pipeline_command(CLI::App& bench);

}  // namespace amanuensis::cli
