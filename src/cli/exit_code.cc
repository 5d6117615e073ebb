#include "cli/exit_code.h"

namespace amanuensis::cli {

int exit_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return kExitUsage;
    case ErrorCode::kNotFound:
      return kExitNotFound;
    case ErrorCode::kBadData:
      return kExitBadData;
    case ErrorCode::kUnsupported:
      return kExitUnsupported;
    case ErrorCode::kIo:
      return kExitIo;
    case ErrorCode::kNetwork:
      return kExitNetwork;
    case ErrorCode::kCancelled:
      return kExitInterrupted;
    case ErrorCode::kDeadlineExceeded:
    case ErrorCode::kResourceExhausted:
      return kExitResources;
    case ErrorCode::kInternal:
      return kExitInternal;
  }
  return kExitInternal;
}

std::string_view exit_code_help() {
  return "Exit codes:\n"
         "    0  done                                  6  cannot read or write\n"
         "    1  several inputs, some failed           7  download failed\n"
         "    2  an option or value makes no sense     8  out of memory or disk\n"
         "    3  file, model or language not found    70  a defect of this program\n"
         "    4  damaged file, or not media          130  interrupted (143: terminated)\n"
         "    5  no audio track, missing codec       141  the reader of the output went away";
}

}  // namespace amanuensis::cli
