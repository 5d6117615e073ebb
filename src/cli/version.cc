#include "cli/version.h"

namespace amanuensis::cli {

const char* version() { return AMANUENSIS_VERSION; }

}  // namespace amanuensis::cli
