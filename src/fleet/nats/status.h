// The NATS library's status codes as Error. For the .cc files of this folder.
#pragma once

#include <nats/nats.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace amanuensis::fleet {

// Throws unless `status` is NATS_OK: kNetwork for what may work later, kInvalidArgument or kIo for what will not.
// `doing` says what was tried: "writing job abc".
void check(natsStatus status, std::string_view doing, jsErrCode code = static_cast<jsErrCode>(0));
// The same as an object.
Error error_of(natsStatus status, std::string_view doing, jsErrCode code = static_cast<jsErrCode>(0));

struct MsgFree {
  void operator()(natsMsg* message) const { natsMsg_Destroy(message); }
};
using MsgPtr = std::unique_ptr<natsMsg, MsgFree>;

inline std::string_view data_of(const natsMsg* message) {
  return {natsMsg_GetData(message), static_cast<std::size_t>(natsMsg_GetDataLength(message))};
}

}  // namespace amanuensis::fleet
