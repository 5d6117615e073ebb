// The subcommands: one function each, in a file of its own name, that adds the command to the parser and returns what
// to run when it was chosen. `run` returns the exit code; failures of the whole command are thrown as Error.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "cli/context.h"

namespace amanuensis::cli {

using RunCommand = std::function<int(Context&)>;

struct Command {
  CLI::App* parser;
  RunCommand run;
};

Command add_transcribe_command(CLI::App& program);
Command add_diarize_command(CLI::App& program);
Command add_speakers_command(CLI::App& program);
Command add_serve_command(CLI::App& program);
Command add_keys_command(CLI::App& program);
Command add_worker_command(CLI::App& program);
Command add_submit_command(CLI::App& program);
Command add_jobs_command(CLI::App& program);
Command add_models_command(CLI::App& program);
Command add_devices_command(CLI::App& program);
Command add_npu_command(CLI::App& program);
Command add_features_command(CLI::App& program);
Command add_logits_command(CLI::App& program);
Command add_demo_command(CLI::App& program);
Command add_bench_command(CLI::App& program);
Command add_completion_command(CLI::App& program);
Command add_eval_command(CLI::App& program);

}  // namespace amanuensis::cli
