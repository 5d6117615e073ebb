// A stand-in for XRT in tests; see README.md.
#pragma once

#include "xrt/xrt_device.h"

namespace xrt {

class hw_context {
 public:
  hw_context() = default;
  hw_context(const device& /*device*/, const uuid& /*binary*/) {}
};

}  // namespace xrt
