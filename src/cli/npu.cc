#include <vector>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/npu_commands.h"

namespace amanuensis::cli {

void add_fault_option(CLI::App& parser, std::string& fault) {
  parser
      .add_option("--npu-fault", fault,
                  "Make a call of the NPU fail: SITE:FAULT[:AFTER[:TIMES]], as wait:time-out:20; a wrong one lists all")
      ->type_name("FAULT");
}

Command add_npu_command(CLI::App& program) {
  CLI::App* parser = program.add_subcommand("npu", "The AMD NPU: plans, self-tests, simulation, measurements");
  parser->require_subcommand(1);
  const std::vector<Command> commands{add_npu_plan_command(*parser), add_npu_selftest_command(*parser),
                                      add_npu_simulate_command(*parser), add_npu_bench_command(*parser)};
  for (const Command& command : commands) command.parser->group("Commands");
  parser->footer(
      "Without an NPU these run on a simulated one, which says so: results are those of the tile kernels, times on\n"
      "hardware are predictions. docs/npu.md explains them.\n\n"
      "Examples:\n  amanuensis npu plan --model base\n  amanuensis npu selftest\n  amanuensis npu simulate talk.mp3");
  return {parser, [commands](Context& context) {
            for (const Command& command : commands) {
              if (command.parser->parsed()) return command.run(context);
            }
            throw Error(ErrorCode::kInternal, "no NPU command was run");
          }};
}

}  // namespace amanuensis::cli
