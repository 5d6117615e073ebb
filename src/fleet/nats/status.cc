#include "fleet/nats/status.h"

#include <fmt/format.h>

namespace amanuensis::fleet {
namespace {

ErrorCode kind_of(natsStatus status, jsErrCode code) {
  switch (status) {
    case NATS_INVALID_ARG:
    case NATS_ADDRESS_MISSING:
    case NATS_INVALID_SUBJECT:
      return ErrorCode::kInvalidArgument;
    case NATS_NO_MEMORY:
      return ErrorCode::kResourceExhausted;
    case NATS_NOT_PERMITTED:
    case NATS_CONNECTION_AUTH_FAILED:
      return ErrorCode::kIo;
    case NATS_MAX_PAYLOAD:
      return ErrorCode::kBadData;
    default:
      break;
  }
  switch (static_cast<int>(code)) {
    case JSStorageResourcesExceededErr:
    case JSMemoryResourcesExceededErr:
    case JSInsufficientResourcesErr:
      return ErrorCode::kResourceExhausted;
    default:
      return ErrorCode::kNetwork;
  }
}

}  // namespace

Error error_of(natsStatus status, std::string_view doing, jsErrCode code) {
  const char* detail = nats_GetLastError(nullptr);
  std::string text = detail != nullptr && *detail != '\0' ? detail : natsStatus_GetText(status);
  if (status == NATS_CONNECTION_AUTH_FAILED) text += " (user, password or --nats-credentials are not what it expects)";
  if (code != 0) text += fmt::format(" [JetStream {}]", static_cast<int>(code));
  return Error(kind_of(status, code), fmt::format("NATS: {}: {}", doing, text));
}

void check(natsStatus status, std::string_view doing, jsErrCode code) {
  if (status != NATS_OK) throw error_of(status, doing, code);
}

}  // namespace amanuensis::fleet
