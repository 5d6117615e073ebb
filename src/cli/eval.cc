#include <vector>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/eval_commands.h"

namespace amanuensis::cli {

Command add_eval_command(CLI::App& program) {
  CLI::App* parser = program.add_subcommand("eval", "How far results are from the truth: words, speakers");
  parser->require_subcommand(1);
  parser->footer(
      "Examples:\n  amanuensis eval wer said.txt transcribed.txt\n"
      "  amanuensis eval der labelled.rttm found.rttm --collar 0.25");
  const std::vector<Command> parts{add_eval_wer_command(*parser), add_eval_der_command(*parser)};
  for (const Command& part : parts) part.parser->group("Commands");
  return {parser, [parts](Context& context) {
            for (const Command& part : parts) {
              if (part.parser->parsed()) return part.run(context);
            }
            throw Error(ErrorCode::kInternal, "no evaluation was run");
          }};
}

}  // namespace amanuensis::cli
