// `transcribe --live`: speech from standard input while it is spoken. On a terminal what is heard is shown as it
// changes; in a pipe only what is final is written. Belongs to one thread.
#pragma once

#include "cli/context.h"
#include "cli/engine.h"
#include "cli/transcribe_options.h"

namespace amanuensis::cli {

// Returns the exit code. Throws as LiveInput and Transcriber do.
int run_live(Context& context, const Engine& engine, const TranscribeRequest& request);

}  // namespace amanuensis::cli
