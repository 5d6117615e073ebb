#include <vector>

#include "base/error.h"
#include "cli/bench_commands.h"
#include "cli/commands.h"

namespace amanuensis::cli {

Command add_bench_command(CLI::App& program) {
  CLI::App* parser = program.add_subcommand("bench", "Measure this machine: kernels, models, whole transcriptions");
  parser->require_subcommand(1);
  const std::vector<Command> commands{add_bench_kernels_command(*parser), add_bench_model_command(*parser),
                                      add_bench_pipeline_command(*parser)};
  for (const Command& command : commands) command.parser->group("Commands");
  parser->footer(
      "Kernels and models are measured in processor time of the busiest thread, the best of several bursts: on an "
      "idle\n"
      "machine that is the elapsed time. Whole transcriptions are measured in elapsed time, and want an idle "
      "machine.\n\n"
      "Examples:\n  amanuensis bench kernels\n  amanuensis bench model --random base --compute-type int8 --json\n"
      "  amanuensis bench pipeline --random base --audio-minutes 10 --tokens-per-window 100");
  return {parser, [commands](Context& context) {
            for (const Command& command : commands) {
              if (command.parser->parsed()) return command.run(context);
            }
            throw Error(ErrorCode::kInternal, "no benchmark was run");
          }};
}

}  // namespace amanuensis::cli
