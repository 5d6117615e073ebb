// A stand-in for XRT in tests; see README.md.
#pragma once

#include <string>
#include <type_traits>

#include "xrt/experimental/xrt_xclbin.h"

namespace xrt {

namespace info {
enum class device { bdf, name };
}  // namespace info

class device {
 public:
  device() = default;
  explicit device(unsigned /*index*/) {}
  template <info::device kWhat>
  std::string get_info() const {
    return kWhat == info::device::name ? "stand-in for XRT (tests)" : "0000:00:00.0";
  }
  uuid register_xclbin(const xclbin& binary) { return binary.get_uuid(); }
};

}  // namespace xrt
