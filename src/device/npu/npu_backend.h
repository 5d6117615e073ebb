// An NPU as an EncoderBackend: the encoder (convolutions and whole transformer blocks) runs on the NPU, the decoder on
// the CPU backend behind it. An operation that the NPU cannot do at the moment is done by the CPU, one by one, and is
// counted (operations.h). Compute calls by one thread at a time, as the port asks; the operations may be shared with
// others.
#pragma once

#include <memory>

#include "device/encoder_backend.h"
#include "device/npu/operations.h"

namespace amanuensis::device::npu {

struct NpuBackendOptions {
  std::unique_ptr<Backend> cpu;
  Operations& operations;  // must outlive the backend
};

std::unique_ptr<EncoderBackend> make_npu_backend(NpuBackendOptions options);

}  // namespace amanuensis::device::npu
