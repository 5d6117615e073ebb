// The program's exit codes: one for each kind of failure, so that scripts can tell them apart. Documented in
// docs/cli.md and at the end of `amanuensis --help`. Pure functions.
#pragma once

#include <string_view>

#include "base/error.h"

namespace amanuensis::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitSomeFailed = 1;      // of several inputs or models
inline constexpr int kExitUsage = 2;           // options or values that make no sense
inline constexpr int kExitNotFound = 3;        // a file, model or language
inline constexpr int kExitBadData = 4;         // a damaged file, or not what it claims to be
inline constexpr int kExitUnsupported = 5;     // no audio track, a codec or processor feature that is missing
inline constexpr int kExitIo = 6;              // the system refused to read or write
inline constexpr int kExitNetwork = 7;         // a download failed
inline constexpr int kExitResources = 8;       // out of memory or disk
inline constexpr int kExitInternal = 70;       // a defect of the program
inline constexpr int kExitInterrupted = 130;   // Ctrl-C; 143 for SIGTERM
inline constexpr int kExitOutputClosed = 141;  // the reader of standard output went away, e.g. `| head`

int exit_code(ErrorCode code);

// The paragraph of --help.
std::string_view exit_code_help();

}  // namespace amanuensis::cli
