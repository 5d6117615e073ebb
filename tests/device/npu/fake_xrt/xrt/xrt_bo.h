// A stand-in for XRT in tests; see README.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "xrt/xrt_device.h"

inline constexpr std::uint64_t XCL_BO_FLAGS_CACHEABLE = 1U << 24U;
inline constexpr std::uint64_t XRT_BO_FLAGS_HOST_ONLY = 1U << 29U;
enum xclBOSyncDirection { XCL_BO_SYNC_BO_TO_DEVICE = 0, XCL_BO_SYNC_BO_FROM_DEVICE = 1 };

namespace xrt {

using memory_group = std::uint32_t;

class bo {
 public:
  bo() = default;
  bo(const device& /*device*/, std::size_t size, std::uint64_t /*flags*/, memory_group /*group*/)
      : bytes_(std::make_shared<std::vector<std::byte>>(size)) {}
  template <typename Pointer>
  Pointer map() {
    return reinterpret_cast<Pointer>(bytes_->data());
  }
  void sync(xclBOSyncDirection /*direction*/) {}

 private:
  std::shared_ptr<std::vector<std::byte>> bytes_;
};

}  // namespace xrt
