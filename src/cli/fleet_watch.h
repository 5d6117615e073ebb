// What a fleet is doing, while it does it: a bar, how fast, how long still. Belongs to one thread.
#pragma once

#include <string>
#include <vector>

#include "cli/context.h"
#include "fleet/fleet.h"

namespace amanuensis::cli {

// Shows progress until none of these jobs (all that there are, when none is named) is queued or running; says what
// failed. How many did not end well. Throws Error{kCancelled} once the context asks to stop: the jobs go on.
std::size_t watch_jobs(Context& context, fleet::Fleet& fleet, const std::vector<std::string>& ids);

}  // namespace amanuensis::cli
