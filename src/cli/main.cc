// The program: composes the parts and ends with the code that says how it went.
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

#include "cli/context.h"
#include "cli/environment.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/program.h"
#include "cli/terminal.h"

int main(int argc, char** argv) {
  using namespace amanuensis::cli;
  // A reader that goes away is seen as an error of write(), so that the program can end in order.
  std::signal(SIGPIPE, SIG_IGN);
  const Interrupt interrupt;
  const Environment environment = read_environment();
  Terminal terminal(STDOUT_FILENO, STDERR_FILENO);
  Context context{environment, terminal, amanuensis::model::Hub(environment.hub), interrupt.token()};
  const int code = run_program(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc), context);
  const bool terminated = code == kExitInterrupted && interrupt.signal() == SIGTERM;
  return terminated ? 128 + SIGTERM : code;
}
