// The parts of `eval`, each in a file of its own name; as commands.h describes them.
#pragma once

#include "cli/commands.h"

namespace amanuensis::cli {

Command add_eval_der_command(CLI::App& eval);
Command add_eval_wer_command(CLI::App& eval);

}  // namespace amanuensis::cli
