// Runs a command line through the whole program, in this process, and keeps what it wrote. Header only.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "cli/context.h"
#include "cli/program.h"

namespace amanuensis::test {

struct Outcome {
  int code = 0;
  std::string out;
  std::string error;
};

inline std::string all_of(std::FILE* file) {
  std::string text;
  std::rewind(file);
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) text += static_cast<char>(c);
  std::fclose(file);
  return text;
}

// With no environment variables and no models on the machine, unless `environment` has some.
inline Outcome run_in_process(const std::vector<std::string>& arguments, const cli::Environment& environment = {}) {
  std::FILE* out = std::tmpfile();
  std::FILE* error = std::tmpfile();
  Outcome outcome;
  {
    cli::Terminal terminal(fileno(out), fileno(error));
    cli::Context context{environment, terminal, model::Hub(environment.hub), {}};
    outcome.code = cli::run_program(arguments, context);
  }
  outcome.out = all_of(out);
  outcome.error = all_of(error);
  return outcome;
}

}  // namespace amanuensis::test
