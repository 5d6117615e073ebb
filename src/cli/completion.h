// What the parser knows, for others to use: completions for shells, and the manual page. Both are made from the parser
// itself, so that they cannot say anything else than `--help`. Pure; any thread.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace amanuensis::cli {

// A completion script for bash, which zsh runs as well.
std::string bash_completion(const CLI::App& program);
std::string zsh_completion(const CLI::App& program);
std::string fish_completion(const CLI::App& program);

// A manual page for section 1 (man(7) macros) with every command and option.
std::string manual_page(const CLI::App& program, const std::string& version);

}  // namespace amanuensis::cli
