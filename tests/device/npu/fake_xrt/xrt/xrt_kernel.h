// A stand-in for XRT in tests; see README.md. A run does nothing and ends at once; it insists on opcode 3, an
// instruction stream and a number of words, in this order.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>

#include "xrt/xrt_bo.h"
#include "xrt/xrt_hw_context.h"

enum ert_cmd_state {
  ERT_CMD_STATE_NEW = 1,
  ERT_CMD_STATE_QUEUED = 2,
  ERT_CMD_STATE_RUNNING = 3,
  ERT_CMD_STATE_COMPLETED = 4,
  ERT_CMD_STATE_ERROR = 5,
  ERT_CMD_STATE_ABORT = 6,
  ERT_CMD_STATE_SUBMITTED = 7,
  ERT_CMD_STATE_TIMEOUT = 8
};

namespace xrt {

class kernel {
 public:
  kernel() = default;
  kernel(const hw_context& /*context*/, const std::string& /*name*/) {}
  int group_id(int argument) const { return argument; }
};

class run {
 public:
  run() = default;
  explicit run(const kernel& /*kernel*/) {}
  void set_arg(int index, unsigned value) {
    if (index == 0) opcode_ = value;
    if (index == 2) words_ = value;
  }
  void set_arg(int index, const bo& /*buffer*/) {
    if (index == 1) has_instructions_ = true;
  }
  void start() {
    if (opcode_ != 3 || words_ == 0 || !has_instructions_)
      throw std::runtime_error("a call that MLIR_AIE would refuse");
  }
  ert_cmd_state wait(std::chrono::milliseconds /*timeout*/) const { return ERT_CMD_STATE_COMPLETED; }
  void abort() {}

 private:
  unsigned opcode_ = 0;
  unsigned words_ = 0;
  bool has_instructions_ = false;
};

}  // namespace xrt
